"""The directory of another image builder's profile, whose author is believed nothing.

What is read from it is a regular file in it, read within bounds. Links are values: a converter can carry one into an
overlay, where the system follows it; here none is followed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from debate.errors import DebateError
from debate.host import mount_points
from debate.host.beneath import Item, RefusedError, Tree, chunks, kind
from debate.text.paths import shown

MAX_ENTRIES = 10_000
"""Names in each directory that is listed with all that is below it."""
MAX_TEXT = 256 << 10
"""Bytes of a file that is parsed, or that becomes a hook."""
MAX_READ = 2 << 20
"""Bytes of all such files together."""
MAX_COPIED = 1 << 30
"""Bytes of all files that are copied."""
REMEDY = "-d names the directory of an archiso profile"
"""What to do if there is none."""
EMPTY = "an empty directory: create it with a file in /usr/lib/tmpfiles.d, or a hook"
"""The loss of what `empty_directories` finds."""


class Foreign:
    """A directory that somebody else made. Its methods raise DebateError, with the path that is refused as place."""

    def __init__(self, directory: Path, below: str = "", remedy: str = REMEDY) -> None:
        """Open ``directory``, which the user names; then, without following links, ``below`` in it.

        ``remedy`` is for a directory that is not there.
        """
        self.place = "/".join(filter(None, (shown(directory), below)))
        """Its path in messages."""
        self._read = self._copied = self._hashed = 0
        with self._errors("", remedy):
            self._tree = Tree(directory, guard=True)
            if below:
                with self._tree as above:
                    self._tree = above.below(below)
        for mounted in mount_points.below(self._tree.path):
            raise self.refused(mounted, "is a mount point", "unmount it, or copy the directory without it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tree.__exit__(None, None, None)

    def entries(self, path: str = "") -> list[Item]:
        """What is in the directory ``path``, sorted by name; empty if there is no such directory."""
        with self._errors(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return self._tree.entries(path, most=MAX_ENTRIES)
        return []

    def walk(self, path: str = "") -> list[Item]:
        """Everything below the directory ``path``, with paths relative to it; empty if there is no such directory."""
        with self._errors(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not path:
                return list(self._tree.walk(most=MAX_ENTRIES))
            with self._tree.below(path) as below:
                return list(below.walk(most=MAX_ENTRIES))
        return []

    def is_link(self, path: str) -> bool:
        with self._errors(path):
            return stat.S_ISLNK(self._tree.mode(path))

    def link(self, path: str) -> str:
        """The target of the link ``path``, which may be any text."""
        with self._errors(path):
            return self._tree.link(path)

    def cannot_copy(self, path: str, item: Item) -> str:
        """Why ``item``, at ``path``, cannot be in an overlay; empty if it can, or is a directory."""
        if not is_plain(path):
            return "its name has control characters, or is no UTF-8"
        if is_link(item) and not is_plain(self.link(path)):
            return "what it links to has control characters, or is no UTF-8"
        if stat.S_IFMT(item.mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            return f"is a {kind(item.mode)}"
        return ""

    def read(self, path: str, remedy: str = "make it readable", *, limit: int = MAX_TEXT) -> bytes:
        """The content of the file ``path``. ``remedy`` is for a file that is not there."""
        with self._errors(path, remedy), self._tree.open(path) as file:
            data = b"".join(chunks(file, limit))
            self._read = _added(self._read, len(data), MAX_READ)
        return data

    def text(self, path: str) -> str:
        """The content of the file ``path`` as text; empty if there is none."""
        with self._errors(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._tree.mode(path)
            return self.read(path).decode(errors="replace")
        return ""

    def require_copyable(self, paths: Iterable[str]) -> None:
        """Refuse files and links that are together too large to be copied, before time is spent on the first."""
        total = 0
        for path in paths:
            with self._errors(path):
                total = _added(total, self._tree.status(path).st_size, MAX_COPIED)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content of the file ``path``, which is copied or hashed, in parts."""
        with self._errors(path), self._tree.open(path) as file:
            for chunk in chunks(file, MAX_COPIED):
                self._copied = _added(self._copied, len(chunk), MAX_COPIED)
                yield chunk

    def digest(self, path: str) -> str:
        """The SHA-256, 64 hex digits, of the content of a file, or of the target of a link."""
        found = hashlib.sha256()
        if self.is_link(path):
            found.update(os.fsencode(self.link(path)))
            return found.hexdigest()
        with self._errors(path), self._tree.open(path) as file:
            for chunk in chunks(file, MAX_COPIED):
                self._hashed = _added(self._hashed, len(chunk), 2 * MAX_COPIED)
                found.update(chunk)
        return found.hexdigest()

    def refused(self, path: str, fact: str, remedy: str) -> DebateError:
        """The error for ``path``."""
        return DebateError(fact, remedy, place="/".join(filter(None, (self.place, path))))

    @contextlib.contextmanager
    def _errors(self, path: str, remedy: str = "make it readable") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.refused(path, error.strerror or str(error), getattr(error, "remedy", remedy)) from None


def _added(total: int, more: int, limit: int) -> int:
    """``total`` and ``more`` bytes. Raises RefusedError above ``limit``."""
    if total + more > limit:
        fact = f"is, with the files before it, larger than {limit:,} bytes"
        raise RefusedError(errno.EFBIG, fact, "leave it out, and copy it yourself")
    return total + more


def is_link(item: Item) -> bool:
    return stat.S_ISLNK(item.mode)


def is_executable(item: Item) -> bool:
    """True if its owner may execute it, which is what git stores."""
    return stat.S_ISREG(item.mode) and bool(item.mode & stat.S_IXUSR)


def changed_mode(item: Item) -> str:
    """What becomes of the mode of a file or directory in an overlay, if git does not store that; else empty."""
    mode = stat.S_IMODE(item.mode)
    kept = 0o755 if mode & stat.S_IXUSR or is_directory(item) else 0o644
    if is_link(item) or mode & ~0o020 == kept:
        return ""
    return f"its mode {mode:04o} becomes {kept:04o}: set it with permissions, if it matters"


def empty_directories(items: Sequence[Item]) -> set[str]:
    """The paths of directories in which there is nothing, so that git would lose them."""
    above = {item.path.rpartition("/")[0] for item in items}
    return {item.path for item in items if is_directory(item) and item.path not in above}


def is_directory(item: Item) -> bool:
    return stat.S_ISDIR(item.mode)


def is_plain(text: str) -> bool:
    """True for text that a profile can hold: UTF-8, without control characters."""
    return all(32 <= ord(c) != 127 and not 0xD800 <= ord(c) < 0xE000 for c in text)
