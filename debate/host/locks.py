"""Files to lock with flock(2).

Who can open a file can lock it, and keep everybody else waiting for as long as they like. So lock files have the mode
0600; a directory, or a file that others may read, is no lock.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from debate.host import ours

_MODE = 0o600
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_CREAT


def lock_file(path: Path, access: int = os.O_RDWR) -> BinaryIO:
    """The file ``path``, made if it is missing. Raises OSError.

    One that another user can open is replaced, since they may hold its lock.
    """
    while True:
        found = regular_file(path, access)
        if not os.fstat(found.fileno()).st_mode & 0o077:
            return found
        found.close()
        ours.remove(path)


def regular_file(path: Path, access: int) -> BinaryIO:
    """A regular file, made with mode 0600 if it is missing; what else is there is removed. Raises OSError."""
    while True:
        try:
            descriptor = os.open(path, access | _OPEN, _MODE)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise
        else:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fdopen(descriptor, "rb" if access == os.O_RDONLY else "r+b")
            os.close(descriptor)
        ours.remove(path)
