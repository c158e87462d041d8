"""Read a tree of files that an overlay copies to the system."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from debate import keys
from debate.deferred import frozen
from debate.entry import Entry
from debate.errors import Place, Problem
from debate.host import mount_points
from debate.host.beneath import Item, RefusedError, Tree, chunks, kind
from debate.text.paths import shown


@frozen
class Room:
    """How much all overlays of a profile together may have."""

    entries: int = 50_000
    bytes: int = 8 << 30
    text: int = 16 << 20
    """Characters of paths and of the targets of links."""
    holes: int = 64 << 20
    """Bytes that files have only by their size: see lseek(2), SEEK_HOLE."""


@frozen
class Script:
    """What of a script says whether it can run; see execve(2)."""

    first: bytes
    """Its first line, or as much of it as matters."""
    crlf: bool
    """True if lines of it end in CR LF, and it is nothing but text."""


def script_in(content: bytes) -> Script | None:
    """What begins with #!, also behind a byte order mark; None for anything else. ``content`` may be cut off."""
    if not content.removeprefix(codecs.BOM_UTF8).startswith(b"#!"):
        return None
    return Script(content[:_FIRST].split(b"\n", 1)[0], b"\r\n" in content and b"\0" not in content)


_FIRST = 512
"""Bytes of a first line, of which Linux reads 256."""


@frozen
class Scan:
    """What is in a tree."""

    entries: tuple[Entry, ...]
    """Sorted by path."""
    contents: dict[str, Path]
    """Digest -> a file that has it, as `debate.host.beneath.open_by_real_path` opens it."""
    problems: tuple[Problem, ...]
    room: Room
    """What is left."""
    private: tuple[tuple[str, str], ...] = ()
    """Path and mode of what is closed to others who may read the directory that it is in: git does not store that."""
    scripts: tuple[tuple[str, Script], ...] = ()
    """Digest of each file that begins as a script, and what is known of it."""
    open: tuple[tuple[str, str, str], ...] = ()
    """Path, mode, and mode in the system, of what more may be done with than there: git does not store that either."""


def scan(source: Tree, target: str, place: Place, room: Room | None = None) -> Scan:
    """Read the tree ``source``, which will be ``target`` in the system. No link is followed.

    The tree itself may be a mount point: only root can mount something, and the profile names it. What is mounted below
    it is refused, since nobody sees that in the profile, and it may be a /proc or /dev of the host.

    Modes are those that git stores, so they do not depend on the umask: 0755 if the owner may execute a file, else
    0644; 0755 for directories. `Scan.private` and `Scan.open` have those that say more. An empty directory is a
    problem, since git does not store it, and so it is not in a clone. All problems are at ``place``, where the profile
    names the tree.
    """
    reading = _Reading(source, target.rstrip("/"), place, room or Room())
    return reading.whole()


class _Reading:
    """Reads one tree."""

    def __init__(self, source: Tree, target: str, place: Place, room: Room) -> None:
        self.source, self.target, self.place, self.room = source, target, place, room
        self.root = source.path
        self.entries: list[Entry] = []
        self.contents: dict[str, Path] = {}
        self.scripts: dict[str, Script] = {}
        self.problems: list[Problem] = []
        self.near = "", source
        """The directory whose entries are read, and what it is."""
        self.unlisted = set[str]()
        """Directories whose content is not known."""
        self.left = room.bytes
        self.text = room.text
        self.holes = room.holes

    def whole(self) -> Scan:
        most = self.room.entries
        items: list[Item] = []
        mounted = mount_points.below(self.root)
        for path in mounted:
            remedy = "mount it beside this directory, and name it as an overlay of its own"
            self.problem(path, "is a mount point", remedy)
        try:
            for item in () if mounted else self.source.walk(most=most, unreadable=self.unreadable):
                items.append(item)
                if not self.has_room(item):
                    break
            else:  # Only now are files read, since that can take long.
                for item in items:
                    self.add(item)
                if not mounted:
                    self.require_filled(items)
        except OSError as error:
            if error.errno == errno.EFBIG:
                fact = f"too large: the overlays of a profile may have {Room.entries:,} files, directories and links"
                self.problem("", fact, "use fewer files")
            else:
                self.unreadable("", error)
        left = Room(max(0, most - len(items)), max(0, self.left), max(0, self.text), max(0, self.holes))
        entries = tuple(sorted(self.entries, key=lambda entry: entry.path))
        private, more = tuple(self.private(items)), tuple(self.open(items))
        return Scan(entries, self.contents, tuple(self.problems), left, private, tuple(self.scripts.items()), more)

    def private(self, items: Iterable[Item]) -> Iterator[tuple[str, str]]:
        """See `Scan`. Where it comes from the umask, the directory is closed, too."""
        readable = {""} if self.source.mode("") & stat.S_IROTH else set[str]()
        for item in sorted(items, key=lambda item: item.path.split("/")):
            if stat.S_ISDIR(item.mode) and item.mode & stat.S_IROTH:
                readable.add(item.path)
            elif not item.mode & stat.S_IROTH and item.path.rpartition("/")[0] in readable:
                yield f"{self.target}/{item.path}", f"{stat.S_IMODE(item.mode):04o}"

    def open(self, items: Iterable[Item]) -> Iterator[tuple[str, str, str]]:
        """See `Scan`. Where everybody may write to the directory above, too, that comes from the umask, or from a file
        system without modes; and setgid of a directory from that above. What a group may do besides is left to its
        umask.
        """
        root = Item("", self.source.mode(""), 0)
        wide, setgid = set[str](), set[str]()
        for item in sorted((root, *items), key=lambda item: item.path.split("/")):
            mode, above = stat.S_IMODE(item.mode), item.path.rpartition("/")[0]
            meant = mode & stat.S_IWOTH if item is not root and above not in wide else 0
            if stat.S_ISDIR(item.mode):
                meant |= mode & (stat.S_ISUID | stat.S_ISVTX) if item is not root or self.target else 0
                meant |= mode & stat.S_ISGID if item is not root and above not in setgid else 0
                if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                    wide.add(item.path)
                if mode & stat.S_ISGID:
                    setgid.add(item.path)
            if meant and not stat.S_ISLNK(item.mode):
                kept = "0755" if stat.S_ISDIR(item.mode) or mode & stat.S_IXUSR else "0644"
                yield f"{self.target}/{item.path}".rstrip("/") or "/", f"{mode:04o}", kept

    def require_filled(self, items: Collection[Item]) -> None:
        """Refuse directories in which there is nothing."""
        filled = {item.path.rpartition("/")[0] for item in items} | self.unlisted
        empty = [item.path for item in items if stat.S_ISDIR(item.mode) and item.path not in filled]
        for path in sorted(empty) if items else [""]:
            remedy = (
                "remove it; create it with a file in /usr/lib/tmpfiles.d, or a hook; or put a file into it, such as "
                ".gitkeep, which the system then has, too"
            )
            self.problem(path, "is an empty directory, which git does not store", remedy)

    def has_room(self, item: Item) -> bool:
        """Count an entry. Notes a problem if that is too much."""
        self.text -= len(self.target) + len(item.path) + (item.size if stat.S_ISLNK(item.mode) else 0)
        self.left -= item.size if stat.S_ISREG(item.mode) else 0
        if self.text < 0:
            fact = f"too large: all paths in the overlays of a profile may have {Room.text:,} characters"
            self.problem(item.path, fact, "use fewer files, or shorter names")
        elif self.left < 0:
            fact = f"too large: all files in the overlays of a profile may have {Room.bytes:,} bytes"
            self.problem(item.path, fact, "make it smaller")
        return self.text >= 0 and self.left >= 0

    def add(self, item: Item) -> None:
        path = f"{self.target}/{item.path}"
        try:
            item.path.encode()
        except UnicodeEncodeError:
            self.problem(ascii(item.path), "file name that is not UTF-8", "rename it")
            return
        try:
            if stat.S_ISLNK(item.mode):
                self.add_link(path, item)
            elif stat.S_ISDIR(item.mode):
                self.require_plain(item)
                self.entries.append(Entry(path, "directory", mode="0755"))
            elif stat.S_ISREG(item.mode):
                self.require_plain(item)
                digest = self.digest(item)
                mode = "0755" if item.mode & stat.S_IXUSR else "0644"
                self.entries.append(Entry(path, "file", mode=mode, digest=digest))
                self.contents[digest] = self.root / item.path
            else:
                self.problem(item.path, kind(item.mode), "use only files, directories and links in an overlay")
        except OSError as error:
            self.unreadable(item.path, error)

    def add_link(self, path: str, item: Item) -> None:
        directory, name = self.directory_of(item)
        link = directory.link(name)
        try:
            link.encode()
        except UnicodeEncodeError:
            self.problem(item.path, f"link to {link!a}, which is not UTF-8", "link to another name")
            return
        wrong = _outside(path, link, self.root)
        if wrong:
            self.problem(item.path, f"link to {link!r}, {wrong[0]}", wrong[1])
        self.entries.append(Entry(path, "link", mode="0777", target=link))

    def require_plain(self, item: Item) -> None:
        """Refuse what an overlay does not carry over, since git does not store it, and its owner must have meant."""
        directory, name = self.directory_of(item)
        found = [name for name in directory.attributes(name) if not name.startswith(_OF_HOSTS)]
        if "security.capability" in found:
            self.problem(item.path, "has capabilities, which overlays do not keep", "set them in a hook, with setcap")
        elif any(name.startswith("system.posix_acl") for name in found):
            remedy = "remove it, with `setfacl -b`; a hook can set one"
            self.problem(item.path, "has an access control list, which overlays do not keep", remedy)
        elif found:
            remedy = f"remove it, with `setfattr -x {found[0]}`"
            self.problem(item.path, f"has the attribute {found[0]}, which overlays do not keep", remedy)
        if stat.S_ISREG(item.mode) and item.mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
            fact = f"has the mode {stat.S_IMODE(item.mode):04o}, of which overlays keep only whether it is executable"
            self.problem(item.path, fact, "remove the bit, with `chmod ug-s,-t`, and name path and mode in permissions")

    def digest(self, item: Item) -> str:
        directory, name = self.directory_of(item)
        digest, size = hashlib.sha256(), 0
        with directory.open(name) as file:
            self.holes -= _holes(file.fileno(), item.size, self.holes)
            if self.holes < 0:
                fact = f"has holes, of which the files in the overlays of a profile may have {Room.holes:,} bytes"
                raise RefusedError(errno.EFBIG, fact, "make it in a hook, with truncate")
            script = None
            for chunk in chunks(file, item.size + self.left):
                script = script or (None if size else script_in(chunk))
                digest.update(chunk)
                size += len(chunk)
        self.left -= max(0, size - item.size)  # It may have grown since it was counted.
        found = keys.digest(digest.hexdigest())
        if script:
            self.scripts[found] = script
        return found

    def directory_of(self, item: Item) -> tuple[Tree, str]:
        """The directory of an entry, opened once for all that is in it, and the name there."""
        above, _, name = item.path.rpartition("/")
        if above != self.near[0]:
            self.near = above, self.source.below(above) if above else self.source
        return self.near[1], name

    def unreadable(self, path: str, error: OSError) -> None:
        self.unlisted.add(path)
        remedy = error.remedy if isinstance(error, RefusedError) else "make it readable"
        self.problem(path, f"{error.strerror}", remedy)

    def problem(self, path: str, fact: str, remedy: str) -> None:
        self.problems.append(Problem(self.place, f"{Path(shown(self.root), path)}: {fact}", remedy))


def _holes(file: int, size: int, most: int) -> int:
    """Bytes of holes in a file, as far as its file system tells; not all of them if there are more than ``most``."""
    found = at = 0
    while at < size and found <= most:
        try:
            hole = os.lseek(file, at, os.SEEK_HOLE)
        except OSError:
            break  # It has become shorter.
        try:
            at = os.lseek(file, hole, os.SEEK_DATA)
        except OSError:
            at = size  # There is no more data.
        found += max(0, min(at, size) - hole)
    os.lseek(file, 0, os.SEEK_SET)
    return found


_OF_HOSTS = ("security.selinux", "security.ima", "security.evm", "security.SMACK64", "user.xdg.", "btrfs.", "trusted.")
"""Attributes that hosts and browsers set by themselves."""


def _outside(path: str, link: str, source: Path) -> tuple[str, str] | None:
    """Fact and remedy if the target of a link at ``path`` in the system must be a mistake, else None.

    Links are copied as links and never followed, so ``/etc/x`` means the system's own file.
    """
    if link.startswith("/"):
        if Path(link).is_relative_to(source.parent):
            return "a path on this machine", "link to where the file is in the system"
        return None
    depth = path.count("/") - 1
    for part in link.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return "which is above the root of the system", "link to a path below it"
    return None
