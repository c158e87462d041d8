"""Files to lock with flock(2).

Who can open a file can lock it, and keep everybody else waiting for as long as they like. So lock files have the mode
0600 and one name, and belong to whom `debate.host.ours` believes; a directory, or a file that others may read or may
have put there, is no lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from debate.host import ours

_LOCKS = Path("/proc/locks")
_MODE = 0o600
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_CREAT


def lock_file(path: Path, access: int = os.O_RDWR) -> BinaryIO:
    """The file ``path``, made if it is missing. Raises OSError.

    One that another user can open is replaced, since they may hold its lock.
    """
    while True:
        found = regular_file(path, access)
        if is_nobody_elses(path, os.fstat(found.fileno())):
            return found
        found.close()
        ours.remove(path)


def is_nobody_elses(path: Path, found: os.stat_result) -> bool:
    """True if nobody but root, this user and the owner of its directory can have opened the file ``path``."""
    closed = not found.st_mode & 0o077 and found.st_nlink <= 1  # 0 if it has just been removed
    return closed and found.st_uid in (os.stat(path.parent).st_uid, *ours.trusted())


@contextmanager
def held(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the file ``path``; if another holds it, call ``waiting`` once, with who. Raises OSError."""
    while True:
        with lock_file(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting(_holder(file))
                fcntl.flock(file, fcntl.LOCK_EX)
            if is_still(path, file):
                yield
                return


def _holder(file: BinaryIO) -> str:
    """Who holds the lock of an open file, for messages. Source: proc_locks(5)."""
    inode = os.fstat(file.fileno()).st_ino
    with suppress(OSError):
        found = re.search(rf"^\d+: FLOCK .* (\d+) [0-9a-f:]+:{inode} ", _LOCKS.read_text(), re.MULTILINE)
        if found:
            return f"process {found[1]}"
    return "another process"


def is_still(path: Path, file: BinaryIO) -> bool:
    """True if ``path`` still names the open file. Otherwise others lock a different file."""
    try:
        return os.stat(path).st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def regular_file(path: Path, access: int) -> BinaryIO:
    """A regular file, made with mode 0600 if it is missing; what else is there is removed. Raises OSError."""
    while True:
        try:
            descriptor = os.open(path, access | _OPEN, _MODE)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EAGAIN):  # The last: fcntl(2), leases
                raise
        else:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fdopen(descriptor, "rb" if access == os.O_RDONLY else "r+b")
            os.close(descriptor)
        ours.remove(path)
