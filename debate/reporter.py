"""What a run shows: one line a step that ran, and an error where there was one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

from doit.exceptions import TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter

_SOURCES = {"local": "from the cache", "remote": "from the remote"}
_COUNTED = {"built": "built", **_SOURCES}


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """doit's reporter for people who build images."""

    desc = "one line a step, with time and where its result came from"
    at_end: Callable[[], None] = staticmethod(lambda: None)
    """Called after the last task. A task's own teardown will not do: doit's threads end one by one."""

    def __init__(self, outstream: TextIO, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self.started: dict[str, float] = {}
        self.uptodate: list[str] = []
        self.sources: dict[str, int] = {}
        """Where results came from: built, local, remote -> how many."""
        self.saved = 0.0
        self.ran = 0

    def execute_task(self, task: Any) -> None:
        self.started[task.name] = time.monotonic()

    def skip_uptodate(self, task: Any) -> None:
        if task.actions:
            self.uptodate.append(task.name)

    def add_success(self, task: Any) -> None:
        if not task.actions:
            return
        self.ran += 1
        values = task.values or {}
        took = time.monotonic() - self.started.get(task.name, time.monotonic())
        came = f"{took:.1f} s"
        source = values.get("source")
        if source:
            self.sources[source] = self.sources.get(source, 0) + 1
            self.saved += values["seconds"] if source in _SOURCES else 0.0
        if source in _SOURCES:
            came = f"{_SOURCES[source]} (took {values['seconds']:.1f} s to make)"
        note = values.get("note", "")
        if task.verbosity != 2:
            self.write(f"  {task.name:<22} {came:<10} {note}".rstrip() + "\n")
        for line in values.get("lines", []):
            self.write(f"{line}\n")
        self.outstream.flush()

    def add_failure(self, task: Any, fail: Any) -> None:
        if not fail.report:
            return
        self.failures.append({"task": task, "exception": fail})
        if isinstance(fail, UnmetDependency):
            self.write(f"  {task.name:<22} not run: what it needs failed\n")
        elif isinstance(fail, TaskFailed):
            self.write(f"  {task.name:<22} failed\n\n{fail.message}\n\n")
        else:
            self.write(f"\n{task.name}: {fail.message}\n{''.join(fail.traceback)}\n")
        self.outstream.flush()

    def complete_run(self) -> None:
        self.at_end()
        if self.runtime_errors:
            self.write("\n".join(self.runtime_errors) + "\n")
        if self.sources:
            parts = [f"{self.sources[source]} {text}" for source, text in _COUNTED.items() if source in self.sources]
            saved = f"; {self.saved:.0f} s saved" if self.saved >= 1 else ""
            self.write(f"  {', '.join(parts)}{saved}\n")
        if self.uptodate and not self.failures:
            steps = f"{len(self.uptodate)} step{'s' if len(self.uptodate) != 1 else ''}"
            self.write(f"  {steps} up to date\n" if self.ran else f"  up to date ({steps})\n")
