"""A visit to the profiles directory for many profiles, which knows what each of them depends on."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from debate import keys
from debate.errors import Place
from debate.host.beneath import MAX_ENTRIES
from debate.profile.files import MAX_LOCK, Profiles, current, opened
from debate.profile.tree import Room, Scan, scan

T = TypeVar("T")

CHANGED = ""
"""What `Visit.look` returns for what could not be read, or was changed during the visit."""
_MOST_KEPT = 64 << 20
"""Bytes of files that a visit keeps in memory."""


class Visit(Profiles):
    """The profiles directory as one run sees it, in which a file that many profiles need is read once.

    A look is a text, KIND PATH: ``content x.yaml``, ``kind hooks/x.sh`` (file or directory? executable?),
    ``exists x.lock.json`` or ``tree overlays/x`` (all that is in it). What depends on nothing else stays true as long
    as all its looks see the same.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._names_of_it = {directory, directory.resolve()}
        self.seen: dict[str, str] = {}
        """Look -> what was seen. Whoever wants to know what one profile depends on empties it before."""
        self._states: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}
        self._scans: dict[tuple[str, str, Room], Scan] = {}
        self._made: dict[str, tuple[Any, Collection[str]]] = {}
        """What `once` made, and the looks that it took."""
        self._room, self._names = _MOST_KEPT, MAX_ENTRIES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """It stays open for the others."""

    def is_of(self, directory: Path) -> bool:
        return directory is self.directory or directory in self._names_of_it

    def look(self, look: str) -> str:
        """What a look sees; `CHANGED` if that cannot be told."""
        kind, _, path = look.partition(" ")
        looks: dict[str, Callable[[str], object]] = {
            "content": self.read, "kind": self.status, "tree": self._tree, "exists": self.exists,
        }  # fmt: skip
        try:
            if look not in self._states:
                looks[kind](path)
            return self._states[look]
        except (KeyError, OSError):
            return CHANGED

    def read(self, path: str, limit: int = MAX_LOCK) -> bytes:
        look = f"content {path}"
        data = self._contents.get(path)
        if data is None or len(data) > limit:
            try:
                data = super().read(path, limit)
            except OSError:
                self._saw(look, CHANGED)
                raise
            self._saw(look, keys.sha256(data))
            if len(data) <= self._room and path not in self._contents:
                self._contents[path] = data
                self._room -= len(data)
        self.seen[look] = self._states[look]
        return data

    def status(self, path: str) -> os.stat_result:
        look = f"kind {path}"
        try:
            found = super().status(path)
        except OSError:
            self._saw(look, CHANGED)
            raise
        self._saw(look, str(stat.S_IFMT(found.st_mode) | found.st_mode & stat.S_IXUSR))
        return found

    def scanned(self, path: str, target: str, place: Place, room: Room) -> Scan:
        """See `scanned`."""
        key = path, target, room
        found = self._scans.get(key) or _scanned(self, path, target, place, room)
        if not found.problems and key not in self._scans and len(found.entries) <= self._names:
            self._scans[key] = found
            self._names -= len(found.entries)
        start = len(target.rstrip("/"))
        listed = [{**entry.to_json(), "path": entry.path[start:]} for entry in found.entries]
        self._saw(
            f"tree {path}",
            CHANGED if found.problems else keys.sha256(keys.canonical([listed, found.private, found.open])),
        )
        return found

    def _tree(self, path: str) -> Scan:
        return self.scanned(path, "/", Place(path), Room())

    def exists(self, path: str) -> bool:
        found = super().exists(path)
        self._saw(f"exists {path}", str(found))
        return found

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What fails is made again for the next one, with its problems."""
        if what not in self._made:
            others, self.seen = self.seen, {}
            try:
                made = make()
            finally:
                own, self.seen = self.seen, others
                self.seen |= own
            self._made[what] = made, own
        value, seen = self._made[what]
        self.seen |= {look: self._states[look] for look in seen}
        return value  # type: ignore[no-any-return]

    def _saw(self, look: str, state: str) -> None:
        if self._states.setdefault(look, state) != state:
            self._states[look] = CHANGED
        self.seen[look] = self._states[look]


@contextmanager
def visit(directory: Path) -> Iterator[Visit]:
    """Have all that this thread reads in the profiles directory read by one `Visit`. Raises OSError."""
    made = Visit(directory)
    token = current.set(made)
    try:
        yield made
    finally:
        current.reset(token)
        made.close()


def scanned(directory: Path, path: str, target: str, place: Place, room: Room) -> Scan:
    """What `debate.profile.tree.scan` finds in ``path`` in the profiles directory. Raises OSError."""
    with opened(directory) as profiles:
        if isinstance(profiles, Visit):
            return profiles.scanned(path, target, place, room)
        return _scanned(profiles, path, target, place, room)


def _scanned(profiles: Profiles, path: str, target: str, place: Place, room: Room) -> Scan:
    with profiles.below(path) as tree:
        return scan(tree, target, place, room)
