"""What the fields of a profile say of the same path: the later profile's is in the system, or it is a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from debate.deferred import frozen
from debate.entry import Entry, Made

if TYPE_CHECKING:
    from debate.errors import Place
    from debate.steps.choices import Choices

_NAME, _PATH = 255, 4000
"""Bytes of a name and of a path: NAME_MAX and PATH_MAX of Linux, which also counts the directory of a sandbox."""
_SHOWN = 100
"""Characters of a path that is too long."""


@frozen
class Claim:
    """One path of the system, and the field that says what is there."""

    entry: Entry
    field: str
    """As it is told: ``files``, ``overlay 'site'``."""
    place: Place | None
    """Where the field is. None for what no profile says, such as a default, which any other claim replaces."""


class Claims:
    """The claims of a profile, of which there is one for each path."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.found: dict[str, Claim] = {}
        self._rank = {file: number for number, file in enumerate(choices.profile.order)}
        self._told: set[tuple[Place | None, Place | None, str]] = set()

    @property
    def entries(self) -> dict[str, Entry]:
        """Path -> what will be there."""
        return {path: claim.entry for path, claim in self.found.items()}

    @property
    def places(self) -> Mapping[str, Place | None]:
        """Path -> where a profile says it."""
        return {path: claim.place for path, claim in self.found.items()}

    def copy(self) -> Claims:
        """The same claims, to which others can be added."""
        new = Claims(self.choices)
        new.found.update(self.found)
        return new

    def add_made(self, made: Made, place: Place | None) -> None:
        """Add the claim of a field that makes a file, link or directory itself, and keep the content of a file."""
        if made.entry.digest:
            self.choices.keep_content(made.content)
        self.add(made.entry, made.field, place)

    def add(self, entry: Entry, field: str, place: Place | None) -> None:
        """Add a claim. It is a problem if two of one file differ, but for directories, which are merged.

        Of equal ones the later profile's is kept, too: claims that follow are compared with its place.
        """
        claim = Claim(entry, field, place)
        self._require_short(claim)
        other = self.found.get(entry.path)
        if other is None or entry.type == other.entry.type == "directory":
            self.found[entry.path] = claim  # Directories of overlays come first, and have no mode of their own.
        elif other.entry != entry and place and other.place and place.file == other.place.file:
            self._refuse(claim, other)
        elif self._rank_of(place) >= self._rank_of(other.place):
            self.found[entry.path] = claim

    def _require_short(self, claim: Claim) -> None:
        """Note a path that no file system has."""
        path = claim.entry.path.encode()
        name = max(path.split(b"/"), key=len)
        fact = ""
        if len(name) > _NAME:
            fact = f"a name of {len(name):,} bytes, where the system has at most {_NAME}"
        elif len(path) > _PATH:
            fact = f"a path of {len(path):,} bytes, where the system has at most {_PATH:,}"
        if fact:
            shown = claim.entry.path if len(claim.entry.path) <= _SHOWN else f"{claim.entry.path[:_SHOWN]}..."
            self.choices.note(claim.place, f"{claim.field}: {shown} has {fact}", "shorten it")

    def _refuse(self, claim: Claim, other: Claim) -> None:
        """Note that both have the same path: of two overlays only the first one."""
        pair = claim.place, other.place, claim.field
        if pair not in self._told:
            self._told.add(pair)
            fact = f"{claim.field} and {other.field} ({other.place}) both have {claim.entry.path}"
            self.choices.note(claim.place, fact, "keep one")

    def _rank_of(self, place: Place | None) -> int:
        """The later wins."""
        return self._rank[place.file] if place else -1
