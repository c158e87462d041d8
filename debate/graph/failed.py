"""Failures of tasks, with their problems as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doit.exceptions import TaskFailed

from debate.errors import NO_SPACE, DebateError
from debate.text.paths import relative

_REMEDIES = {
    28: NO_SPACE,
    13: "run as root",
    30: "set DEBATE_CACHE or DEBATE_OUTPUT to a place that can be written",
}
"""errno -> remedy."""


class Failed(TaskFailed):  # type: ignore[misc]
    """A task failed with ``error``. ``hint`` is shown below it if a sandbox wrote a log."""

    def __init__(self, error: DebateError, hint: str = "") -> None:
        super().__init__(str(error) + (hint if error.log else ""))
        self.error = error


def guarded(action: Callable[[], Any], hint: str = "") -> Any:
    """Call ``action`` and return its result. Errors that a user can cause are returned as `Failed`."""
    try:
        return action()
    except DebateError as error:
        return Failed(error, hint)
    except OSError as error:
        fact = error.strerror or str(error)
        return Failed(DebateError(fact, _REMEDIES.get(error.errno or 0, ""), place=relative(str(error.filename or ""))))
