"""doit's task loader, told which profiles the command line names before it makes tasks.

`doit build:one` must not pay for ten thousand profiles beside it.
"""

from __future__ import annotations

import signal
from typing import Any

from doit.cmd_base import DodoTaskLoader


def _terminate(number: int, _frame: object) -> None:
    """End as an interrupted program does, so that sandboxes are stopped and cleaned up."""
    raise SystemExit(128 + number)


class Loader(DodoTaskLoader):  # type: ignore[misc]
    """Loads dodo.py; narrows its ``GRAPH``."""

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """Make the tasks for ``pos_args``, doit's positional arguments."""
        signal.signal(signal.SIGTERM, _terminate)
        graph = self.namespace.get("GRAPH")
        if graph is not None:
            graph.narrow([word for word in pos_args if not word.startswith("-")])
        return super().load_tasks(cmd, pos_args)
