"""A run as text: one line per step that ran, errors, and a summary at the end.

In GitHub and GitLab CI the log of each step is included as a collapsed section. GitHub also shows errors at the line
of the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from debate.commands.command import Answer
from debate.errors import DebateError, Problem, spoken
from debate.frontend import ci
from debate.frontend.form import Done, Tally
from debate.frontend.progress import Board
from debate.text.amounts import count
from debate.text.paths import shown

_SOURCES = {"local": "from the cache", "remote": "from the remote"}
_COUNTED = {"built": "built", **_SOURCES}
_WHY = 90
"""Maximum number of characters of a reason that are shown in the line of a step."""
_FOLDED_LINES, _FOLDED_BYTES = 50_000, 8 << 20
"""How much of the log of a step its section has. An installation of 2,000 packages has a fourth of that."""


class TextLines:
    """Writes text above the lines that the board redraws."""

    def __init__(self, board: Board, *, github: bool) -> None:
        """``github``: annotations were requested. Then only the annotations of an answer are shown."""
        self.board = board
        self.board.door.asked_for_github = github
        self.made: list[tuple[str, str]] = []
        """What was made, and what to do next."""

    def warned(self, problems: Sequence[Problem]) -> None:
        self._lines(f"  warning: {problem}" for problem in problems)

    def begins(self, what: str) -> None:
        self._lines([f"  {what}"])

    def done(self, done: Done) -> None:
        if done.source in _SOURCES:
            came = f"{_SOURCES[done.source]} (took {done.seconds:.1f} s to make)"
        else:
            came = f"{done.seconds:.1f} s"
        line = f"  {done.task:<22} {came:<10} {_note(done)}".rstrip()
        if not self._fold(done, line):
            self.board.write(line)
        self._lines(done.lines)
        self.made += [(made["what"], made["next"]) for made in done.made]

    def unchanged(self, task: str) -> None:
        """Does nothing: these tasks are only counted."""

    def made_before(self, task: str, made: Sequence[Mapping[str, Any]]) -> None:  # noqa: ARG002 - it is in each
        self.made += [(one["what"], one["next"]) for one in made]

    def skipped(self, task: str) -> None:
        self.board.write(f"  {task:<22} not run: a step that it needs failed", style="dim")

    def failed(self, task: str, error: DebateError, text: str) -> None:
        self.board.write(f"  {task:<22} failed", style="red")
        self._lines([""])
        for line in text.split("\n"):
            self._lines([line], style="red" if line.startswith("  > ") else "")
        self._lines([""])
        if self.board.door.github:
            self.board.door.commands(ci.errors(error.problems, task.replace(":", " "), error.details))

    def answered(self, task: str, answer: Answer, seconds: float) -> None:  # noqa: ARG002 - only the answer is shown
        door = self.board.door
        if answer.text and not (door.asked_for_github and answer.problems):
            self._lines(answer.text.removesuffix("\n").split("\n"))
        if door.github and answer.problems:
            door.commands(ci.errors(answer.problems))

    def end(self, tally: Tally, errors: Sequence[str]) -> None:
        self._lines(errors)
        for what, _ in self.made:
            self._lines([f"  {what}"], style="green")
        counts = [f"{tally.sources[source]} {text}" for source, text in _COUNTED.items() if source in tally.sources]
        if tally.unchanged and not (tally.failed or tally.skipped):
            steps = count(tally.unchanged, "step")
            counts.append(f"{steps} up to date" if tally.ran else f"up to date ({steps})")
        if counts:
            saved = f"; {tally.saved:.0f} s saved" if tally.saved >= 1 else ""
            self._lines([f"  {', '.join(counts)}{saved}"])
        self._lines(f"  next: {spoken(next_)}" for _, next_ in self.made if next_)

    def _lines(self, lines: Iterable[str], style: str = "") -> None:
        self.board.write(*lines, stamped=False, style=style)

    def _fold(self, done: Done, line: str) -> bool:
        """Write the log of a step to the CI log, as a collapsed section with the step's ``line`` as its title.

        False if there is nothing to fold, or nowhere.
        """
        if not done.log or not (self.board.door.github or ci.on_gitlab()):
            return False
        with open(done.log, "rb") as file:
            lines = _folded(file, done.log)
            first = next(lines, "")
            if first:
                self.board.door.folded(self.board.stamped(line), itertools.chain([first], lines))
        return bool(first)


def _folded(log: BinaryIO, path: str) -> Iterator[str]:
    """The lines of a log, as many as a section has. A sandbox wrote it: it may have nothing but line ends."""
    left = _FOLDED_BYTES
    for _ in range(_FOLDED_LINES):
        line = log.readline(left)
        if not line:
            break
        left -= len(line)
        yield f"    {line.decode(errors='replace').rstrip()}"
    if log.read(1):
        yield f"    …; the whole log: {shown(Path(path))}"


def _note(done: Done) -> str:
    """The note of a step, and why it ran."""
    first = str(done.why[0]) if done.why else ""
    more = f" and {len(done.why) - 1} more" if len(done.why) > 1 else ""
    short = first if len(first) <= _WHY else f"{first[: _WHY - 1]}…"
    return "  ".join(filter(None, (done.note, f"{short}{more}")))
