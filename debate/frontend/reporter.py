"""What a run shows: one line a step that ran, an error where there was one, and at the end what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from doit.exceptions import TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter

from debate.frontend import ci
from debate.frontend.progress import Board
from debate.text.amounts import count
from debate.text.printable import printable

_SOURCES = {"local": "from the cache", "remote": "from the remote"}
_COUNTED = {"built": "built", **_SOURCES}
_WHY = 90
"""Characters of the reason for which a step ran that stand beside it."""


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """doit's reporter for people who build images."""

    desc = "one line a step, with time and where its result came from"
    board: Board
    at_end: Callable[[], None] = staticmethod(lambda: None)
    """Called after the last task. A task's own teardown will not do: doit's threads end one by one."""

    def __init__(self, outstream: TextIO, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self.board.stream = outstream
        self.uptodate: list[str] = []
        self.sources: dict[str, int] = {}
        """Where results came from: built, local, remote -> how many."""
        self.saved = 0.0
        self.ran = 0
        self.made: list[dict[str, str]] = []
        """What tasks say was made, and what one does with it."""

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Count what may have to run."""
        wanted, pending = set(), list(selected_tasks)
        while pending:
            name = pending.pop()
            if name in tasks and name not in wanted:
                wanted.add(name)
                pending += tasks[name].task_dep
        self.board.all = sum(1 for name in wanted if tasks[name].actions)

    def execute_task(self, task: Any) -> None:
        if not tells(task) and task.actions:
            self.board.begin(task.name, verbose=task.verbosity == 2)

    def skip_uptodate(self, task: Any) -> None:
        if task.actions:
            self.board.done += 1
            self.uptodate.append(task.name)

    def add_success(self, task: Any) -> None:
        if not task.actions:
            return
        self.ran += 1
        values = task.values or {}
        took = self.board.end(task.name)
        self.board.done += 1
        source = values.get("source")
        if source:
            self.sources[source] = self.sources.get(source, 0) + 1
            self.saved += values["seconds"] if source in _SOURCES else 0.0
        if source in _SOURCES:
            came = f"{_SOURCES[source]} (took {values['seconds']:.1f} s to make)"
        else:
            came = f"{took:.1f} s"
            self.board.took(task.name, took)
        if not tells(task):
            line = f"  {task.name:<22} {came:<10} {self.note(values)}".rstrip()
            self.board.write(line)
            if "log" in values:
                self.fold(Path(values["log"]), line.strip())
        for line in values.get("lines", []):
            self.board.write(line, stamped=False)
        if "made" in values:
            self.made.append(values["made"])

    @staticmethod
    def note(values: dict[str, Any]) -> str:
        """What a step says of itself, or else why it ran."""
        why = values.get("why", [])
        first = why[0] if why else ""
        more = f" and {len(why) - 1} more" if len(why) > 1 else ""
        short = first if len(first) <= _WHY else f"{first[: _WHY - 1]}…"
        return "  ".join(filter(None, (values.get("note", ""), f"{short}{more}")))

    def add_failure(self, task: Any, fail: Any) -> None:
        self.board.end(task.name)
        if not fail.report:
            return
        self.failures.append({"task": task, "exception": fail})
        if isinstance(fail, UnmetDependency):
            self.board.write(f"  {task.name:<22} not run: what it needs failed", style="dim")
            return
        if not isinstance(fail, TaskFailed):
            self.board.write(f"\n{task.name}: {fail.message}\n{''.join(fail.traceback)}", stamped=False)
            return
        self.board.write(f"  {task.name:<22} failed", style="red")
        self.board.write("", stamped=False)
        for line in fail.message.split("\n"):
            self.board.write(line, style="red" if line.startswith("  > ") else "", stamped=False)
        self.board.write("", stamped=False)
        if ci.on_github():
            for line in ci.errors(fail.message, title=task.name.replace(":", " ")):
                self.board.write(line, stamped=False)

    def complete_run(self) -> None:
        self.at_end()
        self.board.close()
        for error in self.runtime_errors:
            self.board.write(error, stamped=False)
        for made in self.made:
            self.board.write(f"  {made['what']}", stamped=False, style="green")
        counts = [f"{self.sources[source]} {text}" for source, text in _COUNTED.items() if source in self.sources]
        if self.uptodate and not self.failures:
            steps = count(len(self.uptodate), "step")
            counts.append(f"{steps} up to date" if self.ran else f"up to date ({steps})")
        if counts:
            saved = f"; {self.saved:.0f} s saved" if self.saved >= 1 else ""
            self.board.write(f"  {', '.join(counts)}{saved}", stamped=False)
        for made in self.made:
            self.board.write(f"  next: {made['next']}", stamped=False)

    def fold(self, log: Path, title: str) -> None:
        """Put a step's log into a CI log, folded. Nothing in it is taken for a command of the CI system."""
        if not (ci.on_github() or ci.on_gitlab()):
            return
        with log.open(errors="replace") as file:
            lines = [f"    {printable(line.rstrip())}" for line in file]
        self.board.write(ci.folded(title, lines), stamped=False)


def tells(task: Any) -> bool:
    """Whether a task answers a question: what it prints is all that there is to show."""
    return bool(task.meta and task.meta.get("tells"))
