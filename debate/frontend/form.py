"""The interface of output formats: the counters of a run, and its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from debate.commands.command import Answer
from debate.deferred import frozen
from debate.errors import DebateError, Problem

if TYPE_CHECKING:
    from debate.history.reasons import Reason

SOURCES = ("built", "local", "remote")
"""Where the result of a step came from: built now, the local store, the remote."""


@frozen
class Done:
    """A task that ran and succeeded."""

    task: str
    source: str
    """One of `SOURCES`; empty if the task has no key."""
    seconds: float
    """Duration of the step: now, or when it was built if the result is from the store or the remote."""
    log: str = ""
    """Path of the log that this run wrote; empty if no sandbox ran."""
    note: str = ""
    why: Sequence[Reason] = ()
    lines: Sequence[str] = ()
    made: Sequence[Mapping[str, Any]] = ()
    """For each image: ``what`` was made and what to do ``next`` (may be empty), as text for people; other keys are
    copied to JSON."""


@dataclass(eq=False, repr=False)
class Tally:
    """Counters of a run."""

    sources: dict[str, int] = field(default_factory=dict)
    """Source -> number of results."""
    ran: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    """Tasks that did not run, since one that they need failed."""
    saved: float = 0.0
    """Seconds of work that results from the store and the remote saved."""


class Form(Protocol):
    """An output format. Each method reports one event."""

    def warned(self, problems: Sequence[Problem]) -> None:
        """Before the first task: what does not keep the run from starting."""

    def begins(self, what: str) -> None:
        """Before the first task: what a word without a profile stands for."""

    def done(self, done: Done) -> None:
        """A task succeeded."""

    def unchanged(self, task: str) -> None:
        """A task is up to date."""

    def made_before(self, task: str, made: Sequence[Mapping[str, Any]]) -> None:
        """A task that is up to date ``made`` this in an earlier run, as in `Done`. Called at the end of a run."""

    def skipped(self, task: str) -> None:
        """A task did not run, since one that it needs failed."""

    def failed(self, task: str, error: DebateError, text: str) -> None:
        """A task failed; ``text`` is the message for people, with hints."""

    def answered(self, task: str, answer: Answer, seconds: float) -> None:
        """A command has an answer, after ``seconds``."""

    def end(self, tally: Tally, errors: Sequence[str]) -> None:
        """The run has ended. ``errors``: doit's own, which belong to no task."""
