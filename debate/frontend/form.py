"""How a run is shown: what the reporter counts, and what a form of showing it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from debate.commands.command import Answer
from debate.deferred import frozen
from debate.errors import DebateError

SOURCES = ("built", "local", "remote")
"""Where the result of a step can come from: made now, the store, the remote."""


@frozen
class Done:
    """A task that ran and succeeded."""

    task: str
    source: str
    """One of `SOURCES`; empty where no key stands for the result."""
    seconds: float
    """What it took to make the result: now, or when it was made, if it is from the store or the remote."""
    log: str = ""
    """Path of the log that this very run wrote; empty where no sandbox ran."""
    note: str = ""
    why: Sequence[str] = ()
    lines: Sequence[str] = ()
    made: Sequence[Mapping[str, Any]] = ()
    """Of each image: ``what`` was made and what to do ``next`` (may be empty), as text for people; other keys go to
    JSON as they are."""


@dataclass(eq=False, repr=False)
class Tally:
    """Numbers of a run."""

    sources: dict[str, int] = field(default_factory=dict)
    """Source -> how many results came from there."""
    ran: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    """Not run, since what they need failed."""
    saved: float = 0.0
    """Seconds of work that results from the store and the remote spared."""


class Form(Protocol):
    """How a run is shown."""

    def done(self, done: Done) -> None:
        """A task succeeded."""

    def unchanged(self, task: str) -> None:
        """A task is up to date."""

    def made_before(self, task: str, made: Sequence[Mapping[str, Any]]) -> None:
        """What an earlier run of a task that is up to date ``made``, as `Done` has it. Comes at the end of a run."""

    def skipped(self, task: str) -> None:
        """A task did not run, since what it needs failed."""

    def failed(self, task: str, error: DebateError, text: str) -> None:
        """A task failed; ``text`` is what people are told, with hints."""

    def answered(self, task: str, answer: Answer) -> None:
        """A command has an answer."""

    def end(self, tally: Tally, errors: Sequence[str]) -> None:
        """The run is over. ``errors``: doit's own, which belong to no task."""
