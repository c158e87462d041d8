"""The summary of a run in Markdown, which GitHub shows above the log of a job.

Source: docs.github.com, "Adding a job summary": a file that GITHUB_STEP_SUMMARY names, to which each step appends.
What is in it of others is text alone: no markup, no link, no picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from debate.commands.command import Answer
from debate.errors import DebateError, Problem
from debate.frontend.form import Done, Tally
from debate.text.amounts import bytes_shown, count
from debate.text.printable import printable, shortened

_ROWS = 200
"""Rows of a table. GitHub takes a mebibyte for a job's step, and nobody reads on."""
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#+!|~&@:/.-]")
_SOURCES = {"built": "built", "local": "from the cache", "remote": "from the remote"}


def path() -> str:
    """The file that GitHub shows; empty elsewhere."""
    return os.environ.get("GITHUB_STEP_SUMMARY", "") if os.environ.get("GITHUB_ACTIONS") == "true" else ""


class Summary:
    """What a run did, as far as it is of interest above its log."""

    def __init__(self) -> None:
        self._images: list[Sequence[str]] = []
        self._steps: list[Sequence[str]] = []
        self._wrong: list[Sequence[str]] = []
        self._left: list[str] = []

    def warned(self, problems: Iterable[Problem]) -> None:
        self._left += [str(problem) for problem in problems]

    def done(self, done: Done) -> None:
        if done.source:
            why = str(done.why[0]) if done.why else ""
            how = _SOURCES.get(done.source, done.source)
            self._steps.append((done.task, how, f"{done.seconds:.0f} s", done.note or why))
        self.made(done.made)

    def made(self, made: Iterable[Any]) -> None:
        self._images += [(one["file"], bytes_shown(one["size"]), one["digest"]) for one in made if "digest" in one]

    def failed(self, task: str, error: DebateError) -> None:
        self._wrong += [(task, str(problem)) for problem in error.problems]

    def answered(self, task: str, answer: Answer) -> None:
        self._wrong += [(task, str(problem)) for problem in answer.problems]

    def text(self, tally: Tally) -> str:
        """Markdown; empty if there is nothing to tell."""
        parts = [
            *_table(("wrong", ""), self._wrong),
            *_table(("image", "size", "digest"), self._images),
            *(f"- {_plain(line)}\n" for line in self._left[:_ROWS]),
            *_table(("step", "", "time", ""), self._steps),
        ]
        if not parts:
            return ""
        said = [f"{number} {_SOURCES[source]}" for source, number in tally.sources.items() if source in _SOURCES]
        said += [f"{count(tally.unchanged, 'step')} up to date"] if tally.unchanged else []
        said += [f"{tally.failed} failed"] if tally.failed else []
        said += [f"{tally.skipped} not run"] if tally.skipped else []
        return "\n".join([f"### debate: {', '.join(said) or 'done'}\n", *parts])

    def append(self, tally: Tally) -> None:
        """Append it to the file of `path`. Raises OSError."""
        text = self.text(tally)
        if text:
            with open(path(), "a", encoding="utf-8") as file:
                file.write(f"{text}\n")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *(map(_plain, row) for row in rows[:_ROWS])]
    more = [f"… and {len(rows) - _ROWS:,} more\n"] if len(rows) > _ROWS else []
    return ["".join(f"| {' | '.join(row)} |\n" for row in lines), *more]


def _plain(text: str) -> str:
    """Text of others as Markdown that shows it as it is, on one line."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(shortened(text, 500)))
