"""Problems as values, from where they are found to where they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from debate import INSIDE
from debate.deferred import frozen

program = "doit"
"""What people run. Texts are written with `doit`; where that is no program, there is `debate`, with the same words."""


def spoken(text: str) -> str:
    """A text of debate's own that tells people what to run and to read, as they have it: the name of the program, and
    the paths of documents.
    """
    if program != "doit":
        text = re.sub(r"(?<![\w./-])doit(?= [\w\[-])", program, text, flags=re.ASCII)
    if (INSIDE / "docs").is_dir():
        text = re.sub(r"(?<![\w./-])docs(?=/[a-z-]+\.md|/ci\b)", lambda _: str(INSIDE / "docs"), text, flags=re.ASCII)
    return text


@frozen
class Place:
    """Where something is: a file with an optional line and column, or whatever else names the place."""

    file: str
    """A path as it is shown to people, or a name such as ``lock:minimal`` or ``setting jobs``."""
    line: int = 0
    """Counted from 1; 0 for the whole file."""
    column: int = 0
    """Counted from 1; 0 for the whole line."""

    def to_json(self) -> dict[str, str | int]:
        """Its fields, without line and column where they are not known."""
        fields: dict[str, str | int] = {"file": self.file, "line": self.line, "column": self.column}
        return {name: value for name, value in fields.items() if value}

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@frozen
class Problem:
    """One thing that is wrong. It reads ``place: fact; remedy``."""

    place: Place | None
    """None if no place is concerned."""
    fact: str
    remedy: str = ""
    """What to do about it."""

    def at(self, place: Place) -> Problem:
        """The same problem, at ``place`` unless it has a place."""
        return self if self.place else Problem(place, self.fact, self.remedy)

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        text = f"{place}{self.fact}" + (f"; {spoken(self.remedy)}" if self.remedy else "")
        return text.replace("\n", " ")  # A name with a line break does not make two messages.


class DebateError(Exception):
    """An error that the user, the machine or the network caused.

    It is shown without a traceback. Any other exception is a defect in debate itself and keeps its traceback.
    """

    def __init__(self, fact: str, remedy: str = "", *, place: Place | str | None = None, log: str = "") -> None:
        found = Place(place) if isinstance(place, str) and place else place or None
        self.problems: tuple[Problem, ...] = (Problem(found, fact, remedy),)
        self.details = ""
        """Lines that follow the problems, such as the end of a log."""
        self.log = log
        """Path of the log with more details, or an empty string."""
        super().__init__(fact)

    @classmethod
    def of(cls, problems: Iterable[Problem], *, details: str = "", log: str = "") -> DebateError:
        """An error with several problems; ``details`` are shown below them."""
        error = cls("", log=log)
        error.problems, error.details = tuple(problems), details
        return error

    def at(self, place: str) -> DebateError:
        """The same error, with its problems at ``place`` unless they have one."""
        return DebateError.of((each.at(Place(place)) for each in self.problems), details=self.details, log=self.log)

    def __str__(self) -> str:
        return "\n".join(filter(None, (*map(str, self.problems), self.details)))


@frozen
class Complaint:
    """A problem with the profile that a step found, which knows fields and values, but not lines."""

    field: str
    """A field of the profile; empty if the problem is not one of the profile."""
    value: str
    """The wrong value in the field, or empty. For `hooks` it is the number of the hook, from 1, or NUMBER:LINE.

    Without a field it is the address of the file that is wrong, or empty.
    """
    fact: str
    remedy: str = ""

    def problem(self, place: Place | None = None) -> Problem:
        """It reads ``place: field: fact; remedy``, or ``address: fact; remedy``."""
        if not self.field:
            return Problem(Place(self.value) if self.value else place, self.fact, self.remedy)
        return Problem(place, f"{self.field}: {self.fact}", self.remedy)


class StepError(DebateError):
    """A step failed in its sandbox: the reasons, if known, and the complaints about the profile."""

    def __init__(
        self,
        fact: str,
        remedy: str = "",
        *,
        reasons: Iterable[Problem] = (),
        complaints: Iterable[Complaint] = (),
        details: str = "",
        log: str = "",
        exceeded: str = "",
    ) -> None:
        """``fact`` can be empty if there are other reasons or complaints. ``exceeded``: the limit that stopped it."""
        super().__init__(fact, remedy, log=log)
        self.exceeded = exceeded
        self.reasons = (*(self.problems if fact else ()), *reasons)
        self.complaints, self.details = tuple(complaints), details
        self.locate(lambda _field, _value: None)

    def locate(self, place: Callable[[str, str], Place | None]) -> None:
        """Put the place of each complaint into `problems`. ``place`` finds it by field and value."""
        found = (each.problem(place(each.field, each.value) if each.field else None) for each in self.complaints)
        self.problems = (*self.reasons, *found)


NO_SPACE = "free some space, or set DEBATE_CACHE or DEBATE_OUTPUT to another disk"
"""What to do about ENOSPC."""


MOST_PROBLEMS = 100
"""Problems of a profile that are told one by one."""


class ProfileError(DebateError):
    """What is wrong with a profile, sorted by place: the first `MOST_PROBLEMS`, and the number of all others."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("")
        found = sorted(set(problems), key=lambda problem: (_position(problem.place), problem.fact))
        more = found[MOST_PROBLEMS:]
        if more:
            problems_ = "problem" if len(more) == 1 else "problems"
            rest = Problem(more[0].place, f"and {len(more):,} more {problems_} from here on", "mend those above first")
            found[MOST_PROBLEMS:] = [rest]
        self.problems = tuple(found)


def _position(place: Place | None) -> tuple[str, int, int]:
    return (place.file, place.line, place.column) if place else ("", 0, 0)
