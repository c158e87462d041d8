"""The one exception that a user may see, and what it looks like."""

from __future__ import annotations


class DebateError(Exception):
    """Something that the user, the machine or the network did.

    It reads ``place: fact; remedy`` and is shown without a traceback. Anything that is not a
    DebateError is a defect in debate itself and keeps its traceback.
    """

    def __init__(self, message: str, *, log: str = "") -> None:
        super().__init__(message)
        self.log = log
        """Path of the log that tells more, or an empty string."""


NO_SPACE = "free some space, or set DEBATE_CACHE or DEBATE_OUTPUT to another disk"
"""What to do about ENOSPC."""


class ProfileError(DebateError):
    """Everything that is wrong with a profile, one problem a line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
