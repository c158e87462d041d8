"""The failure of a task, with the error that it came from."""

from __future__ import annotations

from doit.exceptions import TaskFailed

from debate.errors import DebateError


class Failed(TaskFailed):  # type: ignore[misc]
    """doit's failure, which itself is text alone."""

    def __init__(self, error: DebateError, hint: str = "") -> None:
        """``hint`` is shown behind the error."""
        super().__init__(f"{error}{hint}")
        self.error = error
