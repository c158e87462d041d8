"""Open, read, list and write below a directory of someone else's.

Whoever made the directory may have put anything into it, and may change it meanwhile. Nothing here leaves it, waits for
another process, opens anything but a regular file, or reads without a bound.

Each part of a path is opened by itself and without following links. That has the effect of openat2(2) with
RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, can tell which part is a link, and needs neither ctypes
nor a system call that containers deny.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, NamedTuple, Self

MAX_ENTRIES = 100_000
"""Names in one tree."""
MAX_BYTES = 8 << 30
"""Bytes of all files in one tree, or of one of them."""
MAX_DEPTH = 100
"""Directories above one another in one tree."""
_MAX_LINKS = 40
"""Links on the way to one file, as in path_resolution(7)."""
_MAX_PATH = 4095
"""Bytes of a path without its NUL; see limits.h, PATH_MAX."""
_CHUNK = 1 << 20
_FIND = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class RefusedError(OSError):
    """What is at a path must not be used. ``strerror`` is the fact, without the path."""

    def __init__(self, number: int, fact: str, remedy: str) -> None:
        super().__init__(number, fact)
        self.remedy = remedy


class Item(NamedTuple):
    """One name in a tree, which may be of any kind."""

    path: str
    """Relative to where the list starts. Bytes that are not UTF-8 are surrogates, as `os.fsdecode` makes them."""
    mode: int
    """Type and mode, as in inode(7)."""
    size: int


class Tree:
    """A directory of someone else's. Its methods take paths relative to it, and raise OSError.

    The error is a RefusedError for a link, for what is no regular file or is too large, and for a path that leads out.
    """

    def __init__(self, root: Path | int, *, follow: bool = False, guard: bool = False) -> None:
        """Open ``root``, a path that is not of someone else's making, or a descriptor, which then belongs to the tree.

        With ``follow``, links on the way to a file are followed as long as they stay in the tree. With ``guard``, a
        file is refused that other users of this machine may have linked there without being able to read it.
        """
        self._root = -1
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        self._root = root if isinstance(root, int) else os.open(root, flags)
        self._follow, self._guard = follow, guard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the directory, if it is open."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    @property
    def path(self) -> Path:
        """Where the directory is now, without links on the way."""
        return Path(os.readlink(f"/proc/self/fd/{self._root}"))

    def below(self, path: str) -> Tree:
        """The directory ``path`` as a tree of its own, in which no link is followed."""
        found = self._find(path)
        if not stat.S_ISDIR(os.fstat(found).st_mode):
            os.close(found)
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return Tree(found, guard=self._guard)

    def mode(self, path: str) -> int:
        """Type and mode of ``path``, as in inode(7). Without ``follow``, a link at its end is told as such."""
        return self.status(path).st_mode

    def status(self, path: str) -> os.stat_result:
        """The same with all else that is known of it."""
        found = self._find(path, last=self._follow)
        try:
            return os.fstat(found)
        finally:
            os.close(found)

    def open(self, path: str) -> BinaryIO:
        """The regular file ``path``, to read. Its size can change while it is read; see `read` and `chunks`."""
        chain = self._chain(path)
        try:
            found = os.fstat(chain[-1])
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(found.st_mode):
                raise RefusedError(errno.EINVAL, f"is a {kind(found.st_mode)}, not a file", "make it a file")
            if self._guard and _may_be_linked(found, above := os.fstat(chain[-2])):
                raise RefusedError(errno.EPERM, _LINKED, _never_linked(found, above))
            return os.fdopen(os.open(f"/proc/self/fd/{chain[-1]}", _READ), "rb")
        finally:
            _close_all(chain)

    def read(self, path: str, limit: int) -> bytes:
        """The content of the regular file ``path``, which must have at most ``limit`` bytes."""
        with self.open(path) as file:
            return b"".join(chunks(file, limit))

    def attributes(self, path: str) -> list[str]:
        """The names of the extended attributes of a file or directory; none where the file system has no such thing."""
        found = self._find(path)
        try:
            return os.listxattr(f"/proc/self/fd/{found}")
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                return []
            raise
        finally:
            os.close(found)

    def link(self, path: str) -> str:
        """The target of the link ``path``, which may be any text."""
        found = self._find(path, last=False)
        try:
            return os.readlink("", dir_fd=found)
        finally:
            os.close(found)

    def names(self, path: str = "") -> list[str]:
        """The names in the directory ``path``, unsorted."""
        listed = self._opened(path)
        try:
            return os.listdir(listed)
        finally:
            os.close(listed)

    def listed(self, path: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Name and status of everything in the directory ``path``, unsorted. Links are told, not followed."""
        listed = self._opened(path)
        try:
            with os.scandir(listed) as names:
                for entry in names:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # Removed meanwhile.
                    yield entry.name, status
        finally:
            os.close(listed)

    def entries(self, path: str = "", *, most: int = MAX_ENTRIES) -> list[Item]:
        """What is in the directory ``path``, sorted by name; its paths are names. Links are told, not followed."""
        items: list[Item] = []
        for name, status in self.listed(path):
            if len(items) == most:
                raise RefusedError(errno.EFBIG, f"has more than {most:,} entries", "remove some")
            items.append(Item(name, status.st_mode, status.st_size))
        return sorted(items)

    def walk(
        self, *, most: int = MAX_ENTRIES, unreadable: Callable[[str, OSError], None] | None = None
    ) -> Iterator[Item]:
        """Everything in the tree: each directory, and below it what is in it, sorted by name.

        ``unreadable`` is told of each directory that cannot be listed; without it, the first such error is raised.
        Raises RefusedError above ``most`` names or MAX_DEPTH.
        """
        pending = [iter(self.entries(most=most))]
        left, above = most, [""]
        while pending:
            item = next(pending[-1], None)
            if item is None:
                pending.pop()
                above.pop()
                continue
            left -= 1
            path = f"{above[-1]}{item.path}"
            yield Item(path, item.mode, item.size)
            if stat.S_ISDIR(item.mode):
                if len(pending) == MAX_DEPTH:
                    raise _too_deep()
                try:
                    pending.append(iter(self.entries(path, most=left)))
                except OSError as error:
                    if unreadable is None or error.errno == errno.EFBIG:
                        raise
                    unreadable(path, error)
                else:
                    above.append(f"{path}/")

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Make or replace the file ``path``, in a directory that exists. A link at its end is replaced."""
        with self.created(path, mode) as file:
            file.write(data)

    def created(self, path: str, mode: int = 0o644) -> BinaryIO:
        """A new file ``path``, to write. What was there is removed before, unless it is a directory."""
        parent, name = self._parent(path)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(name, flags, mode, dir_fd=parent)
            os.fchmod(file, mode)  # whatever the umask is
            return os.fdopen(file, "wb")
        finally:
            os.close(parent)

    def make_link(self, path: str, target: str) -> None:
        """Make a link with any text as its target. Raises FileExistsError if something is there."""
        parent, name = self._parent(path)
        try:
            os.symlink(target, name, dir_fd=parent)
        finally:
            os.close(parent)

    def rename(self, path: str, target: str) -> None:
        """Give ``path`` the name ``target``, in a directory that exists. Raises FileExistsError if that is taken."""
        above, name = self._parent(path)
        try:
            below, new = self._parent(target)
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.stat(new, dir_fd=below, follow_symlinks=False)
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                os.rename(name, new, src_dir_fd=above, dst_dir_fd=below)
            finally:
                os.close(below)
        finally:
            os.close(above)

    def remove(self, path: str) -> None:
        """Remove ``path``, if it is there. Of a directory everything is removed, however deep; of a link, the link."""
        parent, name = self._parent(path)
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            top = os.open(name, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            try:
                _empty(top)
            finally:
                os.close(top)
            os.rmdir(name, dir_fd=parent)
        finally:
            os.close(parent)

    def make_directory(self, path: str) -> None:
        """Make the directory ``path`` and those above it, mode 0755, where they are missing."""
        made = ""
        for part in _parts(path):
            parent = self._find(made)
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=parent)
            finally:
                os.close(parent)
            made = f"{made}/{part}" if made else part
        self.below(made).__exit__(None, None, None)

    def _opened(self, path: str) -> int:
        """A descriptor of the directory ``path``, to list it."""
        found = self._find(path)
        try:
            return os.open(".", _READ | os.O_DIRECTORY, dir_fd=found)
        finally:
            os.close(found)

    def _parent(self, path: str) -> tuple[int, str]:
        """The directory that has the last part of ``path``, and that part."""
        *above, name = _parts(path) or [""]
        if name in ("", ".."):
            raise _outside()
        return self._find("/".join(above)), name

    def _find(self, path: str, *, last: bool = True) -> int:
        """A descriptor (O_PATH) of what is at ``path``. A link at its end is returned itself if not ``last``."""
        chain = self._chain(path, last=last)
        found = chain.pop()
        _close_all(chain)
        return found

    def _chain(self, path: str, *, last: bool = True) -> list[int]:
        """The same, after those of all directories above it in the tree."""
        parts = _parts(path)[::-1]
        chain = [os.dup(self._root)]
        links = 0
        try:
            while parts:
                part = parts.pop()
                if part == "..":
                    if len(chain) == 1:
                        raise _outside()
                    os.close(chain.pop())
                    continue
                chain.append(os.open(part, _FIND, dir_fd=chain[-1]))
                if stat.S_ISLNK(os.fstat(chain[-1]).st_mode) and (parts or last):
                    links += 1
                    if not self._follow:
                        raise RefusedError(errno.ELOOP, "is a link, or below one", "put a copy there instead")
                    if links > _MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                    target = os.readlink("", dir_fd=chain[-1])
                    os.close(chain.pop())
                    parts += _parts(target)[::-1]
        except BaseException:
            _close_all(chain)
            raise
        return chain


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


_LINKED = "may have been linked there by someone who cannot read it, since others can write to its directory"


def _may_be_linked(file: os.stat_result, directory: os.stat_result) -> bool:
    """True if someone who can write to ``directory`` may not read the ``file`` in it.

    Where the kernel does not protect hard links (proc_sys_fs(5)), anyone can make one to such a file. How many names it
    has does not tell: `cp -al` and worktrees share files, and a name elsewhere may be gone.
    """
    if file.st_mode & stat.S_IROTH or (file.st_mode & stat.S_IRGRP and file.st_gid == directory.st_gid):
        return False
    return _is_of_another(file, directory) or _others_write(directory)


def _never_linked(file: os.stat_result, directory: os.stat_result) -> str:
    """What to do about such a ``file``: all of the first way, or the second."""
    first = ["give it the owner of its directory"] if _is_of_another(file, directory) else []
    if _others_write(directory):
        first.append("let only the owner write to the directory (`chmod go-w`)")
    return f"{' and '.join(first)}, or let others read it (`chmod o+r`)"


def _is_of_another(file: os.stat_result, directory: os.stat_result) -> bool:
    return directory.st_uid not in (0, file.st_uid)


def _others_write(directory: os.stat_result) -> bool:
    return bool(directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def copy_tree(source: Tree, target: Tree) -> None:
    """Copy all files, directories and links, and whether the owner may execute a file, to an empty tree.

    Raises RefusedError for anything else, and above MAX_BYTES in all.
    """
    left = MAX_BYTES
    for item in source.walk():
        if stat.S_ISDIR(item.mode):
            target.make_directory(item.path)
        elif stat.S_ISLNK(item.mode):
            target.make_link(item.path, source.link(item.path))
        else:
            mode = 0o755 if item.mode & stat.S_IXUSR else 0o644
            with source.open(item.path) as reader, target.created(item.path, mode) as writer:
                for chunk in chunks(reader, left):
                    left -= len(chunk)
                    writer.write(chunk)


def open_by_real_path(path: Path) -> BinaryIO:
    """The regular file at an absolute path that had no links on the way, and must not have any now. Raises OSError."""
    with Tree(Path("/")) as tree:
        file = tree.open(str(path)[1:])
    if os.fstat(file.fileno()).st_size <= MAX_BYTES:
        return file
    file.close()
    raise _too_large(MAX_BYTES)


def chunks(file: IO[bytes], limit: int) -> Iterator[bytes]:
    """The content of an open file in parts. Raises RefusedError once it has more than ``limit`` bytes."""
    left = limit
    if os.fstat(file.fileno()).st_size > limit:
        left = -1
    while left >= 0 and (data := file.read(min(_CHUNK, left + 1))):
        left -= len(data)
        if left >= 0:
            yield data
    if left < 0:
        raise _too_large(limit)


def _too_large(limit: int) -> RefusedError:
    return RefusedError(errno.EFBIG, f"is larger than {limit:,} bytes", "make it smaller")


def _empty(top: int) -> None:
    """Remove everything in an open directory.

    What is deeper than one level is moved up first: neither the stack nor descriptors set a limit to the depth.
    """
    token, numbers = os.urandom(8).hex(), itertools.count()
    while True:
        with os.scandir(top) as found:
            names = [entry.name for entry in itertools.islice(found, MAX_ENTRIES)]
        if not names:
            return
        for name in names:
            try:
                os.unlink(name, dir_fd=top)
                continue
            except IsADirectoryError:
                directory = os.open(name, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            try:
                with os.scandir(directory) as found:
                    for entry in found:
                        new = f".{token}-{next(numbers)}"
                        os.rename(entry.name, new, src_dir_fd=directory, dst_dir_fd=top)
            finally:
                os.close(directory)
            try:
                os.rmdir(name, dir_fd=top)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:  # What was listed incompletely has another turn.
                    raise


def kind(mode: int) -> str:
    """What a mode, as in inode(7), says of a file, in words."""
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"), (stat.S_ISFIFO, "named pipe"))
    found = next((word for test, word in kinds if test(mode)), "")
    return found or ("socket" if stat.S_ISSOCK(mode) else "device node")


def _parts(path: str) -> list[str]:
    """The names in a relative path."""
    try:
        length = len(os.fsencode(path))
    except UnicodeEncodeError:
        length = -1
    if length < 0 or "\0" in path:
        raise RefusedError(errno.EINVAL, "is not a file name", "choose another name")
    if length > _MAX_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    if path.startswith("/"):
        raise _outside()
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if len(parts) > 2 * MAX_DEPTH:  # The tree itself can be deep in another one.
        raise _too_deep()
    return parts


def _too_deep() -> RefusedError:
    return RefusedError(errno.ENAMETOOLONG, f"has more than {MAX_DEPTH} levels", "make it less deep")


def _outside() -> RefusedError:
    return RefusedError(errno.EXDEV, "leads out of the directory", "name something in it")
