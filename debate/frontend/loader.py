"""doit's task loader, told which profiles the command line names before it makes tasks.

`doit build:one` must not pay for ten thousand profiles beside it. What can be refused before any
task is made is refused here, each with one line.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from doit.cmd_base import DodoTaskLoader
from doit.exceptions import InvalidDodoFile, InvalidTask

from debate.commands.command import commands
from debate.errors import DebateError
from debate.frontend.reporter import Reporter
from debate.frontend.words import tasks_among
from debate.graph.words import problem as problem_of
from debate.steps.rules import rules


class Loader(DodoTaskLoader):  # type: ignore[misc]
    """Loads dodo.py; narrows its ``GRAPH``."""

    format = "text"
    """What the run is to print: text, github or json."""

    def setup(self, opt_values: Any) -> None:
        """Load dodo.py, and with it the settings."""
        self.format = opt_values.get("format", "text")
        try:
            super().setup(opt_values)
        except DebateError as error:
            raise InvalidDodoFile(str(error)) from error

    def load_doit_config(self) -> Any:
        """What dodo.py configures, with a reporter that prints what was asked for."""
        config = super().load_doit_config()
        reporter = config.get("reporter")
        if isinstance(reporter, type) and issubclass(reporter, Reporter):
            reporter.format = self.format
        return config

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """Make the tasks for ``pos_args``, doit's positional arguments."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        words = tasks_among(pos_args, commands())
        if cmd.execute_tasks:
            _require_root(words)
        graph = self.namespace.get("GRAPH")
        if graph is None:
            return super().load_tasks(cmd, pos_args)
        graph.narrow(words)
        try:
            tasks = super().load_tasks(cmd, pos_args)
        except DebateError as error:  # A setting that only the tasks can tell to be wrong.
            raise InvalidDodoFile(str(error)) from error
        known = {name for task in tasks for name in (task.name, *task.targets)}
        problem = problem_of([word for word in words if word not in known], graph.settings.profiles)
        if not problem and cmd.execute_tasks:
            problem = _surplus(words, known)
        if problem:
            raise InvalidTask(problem)
        return tasks

    def _interrupt(self, number: int, _frame: object) -> None:
        """End at once, but through `atexit`, so that sandboxes are stopped and cleaned up."""
        sys.stderr.write("\ninterrupted; what is finished is kept: run the same command again to go on\n")
        graph = self.namespace.get("GRAPH")
        if graph is not None:
            graph.run.stop()
        raise SystemExit(128 + number)


def needs_root(task: str) -> bool:
    """True for a task that cannot run without root. What is not debate's own is left to its own actions."""
    name = task.partition(":")[0]
    if name in commands():
        return commands()[name].root
    return name in rules() and rules()[name].root


def _require_root(words: Sequence[str]) -> None:
    """Building mounts file systems and starts systemd-nspawn."""
    if any(map(needs_root, words)) and os.geteuid() != 0:
        command = " ".join(sys.argv[1:])
        raise InvalidTask(f"building needs root, for mounts and systemd-nspawn; run: sudo {sys.argv[0]} {command}")


def _surplus(words: Sequence[str], known: set[str]) -> str:
    """What is wrong with a word that stands behind a command that takes none, and is no task either."""
    for command, word in pairwise(words):
        name = command.partition(":")[0]
        if name in commands() and not commands()[name].names and word not in known and "*" not in word:
            usage = commands()[name].usage.splitlines()[0]
            return f"{name}: {word!r} is not a task, and {name} takes no names; {usage}"
    return ""
