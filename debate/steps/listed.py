"""Outputs that host code reads: text with one line for each thing, which is bounded and matches a pattern.

Whoever makes an output, such as a package's script, a mirror or a remote, could put anything there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debate.errors import DebateError
from debate.text.amounts import count

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.history.records import Report
    from debate.model import Artifact


@dataclass(frozen=True)
class Listed:
    """The form of such an output."""

    what: str
    """Names it in messages."""
    line: re.Pattern[str]
    """The form of each line."""
    remedy: str = ""
    place: str = "packages"
    most: int = 16 << 20
    """Maximum size in bytes. A list of all packages of Debian has a third of it."""
    lines: int = 100_000
    """Maximum number of lines. Debian has fewer packages."""
    can_be_empty: bool = False

    def read(self, store: Store, artifact: Artifact, lines: int = 0) -> list[re.Match[str]]:
        """Its lines, of which there may be ``lines``, if that is less. Nothing is made of more than that.

        Raises DebateError unless it has this form, or if it is not in the store.
        """
        if artifact.size > self.most:
            raise DebateError(f"{self.what} is too large", self.remedy, place=self.place)
        data = store.read(artifact, self.most)
        if not data and self.can_be_empty:
            return []
        most = min(self.lines, lines or self.lines)
        if data.count(b"\n", 0, -1) >= most:
            raise DebateError(f"{self.what} has more than {count(most, 'line')}", self.remedy, place=self.place)
        text = data.decode(errors="replace")
        found = []
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            match = self.line.fullmatch(line)
            if match is None:
                raise DebateError(f"line {number} of {self.what} is malformed", self.remedy, place=self.place)
            found.append(match)
        return found


def for_people(what: str, place: str, most: int) -> Listed:
    """The form of an output with a line for each ``what`` that a step tells; ``most`` in bytes."""
    line, remedy = re.compile("[ -~]{1,400}"), "run the same command again"
    return Listed(f"the list of {what}s", line, remedy, place, most, can_be_empty=True)


def telling(report: Report, what: str, lines: Sequence[str]) -> Report:
    """``report`` with ``lines``, each of them a ``what``."""
    return {**report, "note": count(len(lines), what), "lines": lines} if lines else report
