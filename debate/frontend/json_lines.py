"""A run as JSON lines, in the shape of debate/schema/output.schema.json; docs/json.md explains it.

Progress for people goes to standard error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from debate.commands.command import Answer
from debate.errors import DebateError, Problem
from debate.frontend.door import Stream
from debate.frontend.form import SOURCES, Done, Tally
from debate.text.paths import relative
from debate.text.printable import readable

if TYPE_CHECKING:
    from debate.history.reasons import Reason

FORMAT = 1
"""Version of the format. It is increased for incompatible changes, not for new fields and new kinds."""

_FOR_PEOPLE = {"fact", "remedy", "details", "note", "text", "next"}
"""Fields that are cleaned, as they are on a terminal. The others are values, whatever characters they have."""


class JsonLines:
    """Writes a line to ``stream`` immediately for everything that happens."""

    def __init__(self, stream: TextIO | Stream) -> None:
        self.stream = stream if isinstance(stream, Stream) else Stream(stream)

    def warned(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._write("warning", **_place(problem), fact=problem.fact, remedy=problem.remedy)

    def begins(self, what: str) -> None:
        """Does nothing: each task has its line."""

    def done(self, done: Done) -> None:
        self._step(done.task, "done", done.source, done.seconds, done.note, done.why)
        if done.lines:
            self._result(done.task, text="\n".join(done.lines))
        self.made_before(done.task, done.made)

    def unchanged(self, task: str) -> None:
        self._step(task, "unchanged")

    def made_before(self, task: str, made: Sequence[Mapping[str, Any]]) -> None:
        for one in made:
            data = {name: value for name, value in one.items() if name not in ("what", "next")}
            self._result(task, text=one["what"], next=one["next"], data=data)

    def skipped(self, task: str) -> None:
        self._step(task, "skipped")

    def failed(self, task: str, error: DebateError, text: str) -> None:  # noqa: ARG002 - the error has it as values
        self._step(task, "failed")
        self._problems(task, error.problems, details=error.details, log=error.log)

    def answered(self, task: str, answer: Answer, seconds: float) -> None:
        self._step(task, "done" if answer.good else "failed", seconds=seconds)
        self._problems(task, answer.problems)
        for data in answer.data:
            self._result(task, data=data)
        if answer.text and not answer.data and not answer.problems:
            self._result(task, text=answer.text)

    def end(self, tally: Tally, errors: Sequence[str]) -> None:
        self._problems(None, (Problem(None, error) for error in errors))
        counts = {
            **{source: tally.sources.get(source, 0) for source in SOURCES},
            "ran": tally.ran,
            "unchanged": tally.unchanged,
            "failed": tally.failed + len(errors),
            "skipped": tally.skipped,
        }
        ok = not (counts["failed"] or counts["skipped"])
        self._write("end", ok=ok, counts=counts, seconds_saved=round(tally.saved, 1))

    def refused(self, refusal: Exception) -> None:
        """Nothing ran, or the run broke off. If a `DebateError` caused it, its problems are shown."""
        cause = refusal.__cause__
        error = cause if isinstance(cause, DebateError) else DebateError(str(refusal).strip() or repr(refusal))
        self._problems(None, error.problems, details=error.details)
        self.end(Tally(failed=1), ())

    def _step(
        self, task: str, state: str, source: str = "", seconds: float = 0.0, note: str = "", why: Sequence[Reason] = ()
    ) -> None:
        took = round(seconds, 1)
        self._write(
            "step",
            task=task,
            state=state,
            source=source or None,
            seconds=took,
            note=note,
            why=[reason.to_json() for reason in why],
        )

    def _result(self, task: str, *, text: str = "", next: str = "", data: Any = None) -> None:  # noqa: A002
        self._write("result", task=task, text=text, next=next, data=data or {})

    def _problems(self, task: str | None, problems: Iterable[Problem], details: str = "", log: str = "") -> None:
        """``details`` belong to all problems, and are written with the first one."""
        for problem in problems:
            self._write(
                "problem",
                task=task,
                **_place(problem),
                fact=problem.fact,
                remedy=problem.remedy,
                details=details,
                log=relative(log),
            )
            details = ""

    def _write(self, kind: str, **fields: Any) -> None:
        fields |= {name: readable(fields[name]) for name in _FOR_PEOPLE & fields.keys()}
        # In ASCII, since readers differ in which other characters end a line, and paths may not be valid UTF-8.
        line = json.dumps({"format": FORMAT, "kind": kind, **fields})
        # GitHub and other CI systems obey what they find anywhere in a line. Only strings have these characters.
        line = line.replace("::", ":\\u003a").replace("##", "#\\u0023")
        self.stream.show(f"{line}\n")


def _place(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": relative(place.file) if place else None,
        "line": (place.line or None) if place else None,
        "column": (place.column or None) if place else None,
    }
