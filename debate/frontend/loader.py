"""doit's task loader, told which profiles the command line names before it makes tasks.

`doit build:one` must not pay for ten thousand profiles beside it. What can be refused before any
task is made is refused here, each with one line.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from doit.cmd_base import DodoTaskLoader
from doit.exceptions import InvalidDodoFile, InvalidTask

from debate.errors import DebateError

_WITHOUT_ROOT = (
    "profiles", "config", "hash", "doctor", "cache", "gc", "fsck", "pull", "new", "validate", "show", "diff", "explain",
    "import-live-build", "export-archiso",
)  # fmt: skip
"""Tasks that start no sandbox, or say so themselves."""
_NAMING = ("new", "validate", "diff")
"""Tasks behind which names stand, not further tasks."""


class Loader(DodoTaskLoader):  # type: ignore[misc]
    """Loads dodo.py; narrows its ``GRAPH``."""

    def setup(self, opt_values: Any) -> None:
        """Load dodo.py, and with it the settings."""
        try:
            super().setup(opt_values)
        except DebateError as error:
            raise InvalidDodoFile(str(error)) from None

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """Make the tasks for ``pos_args``, doit's positional arguments."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        words = [word for word in pos_args if not word.startswith("-")]
        if cmd.execute_tasks:
            _require_root(words[:1] if words and words[0] in _NAMING else words)
        graph = self.namespace.get("GRAPH")
        if graph is None:
            return super().load_tasks(cmd, pos_args)
        graph.narrow(words)
        try:
            tasks = super().load_tasks(cmd, pos_args)
        except DebateError as error:  # A setting that only the tasks can tell to be wrong.
            raise InvalidDodoFile(str(error)) from None
        names = {task.name for task in tasks}
        problem = graph.unknown([word for word in words if word not in names])
        if problem:
            raise InvalidTask(problem)
        return tasks

    def _interrupt(self, number: int, _frame: object) -> None:
        """End at once, but through `atexit`, so that sandboxes are stopped and cleaned up."""
        sys.stderr.write("\ninterrupted; what is finished is kept: run the same command again to go on\n")
        graph = self.namespace.get("GRAPH")
        if graph is not None:
            graph.stop()
        raise SystemExit(128 + number)


def _require_root(words: list[str]) -> None:
    """Building mounts file systems and starts systemd-nspawn."""
    needing = [word for word in words if word.partition(":")[0] not in _WITHOUT_ROOT]
    if needing and os.geteuid() != 0:
        command = " ".join(sys.argv[1:])
        raise InvalidTask(f"building needs root, for mounts and systemd-nspawn; run: sudo {sys.argv[0]} {command}")
