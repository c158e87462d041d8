"""Copying files, and replacing one by another."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_OTHER_FILE_SYSTEM = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of copy_file_range(2) where sendfile(2) can do the same."""


def send(source: int, target: int, size: int) -> None:
    """Append the first ``size`` bytes of one open file to another, inside the kernel; see copy_file_range(2).

    File systems with reflinks share what starts and ends with a block in both files. The file offset of ``source`` does
    not change, so that others can read it meanwhile. Raises OSError if it is shorter.
    """
    offset, copy = 0, _copy_file_range
    while offset < size:
        try:
            count = copy(source, target, size - offset, offset)
        except OSError as error:
            if copy is _sendfile or error.errno not in _OTHER_FILE_SYSTEM:
                raise
            copy = _sendfile
            continue
        if not count:
            raise OSError("truncated while it was copied")
        offset += count


def _copy_file_range(source: int, target: int, size: int, offset: int) -> int:
    return os.copy_file_range(source, target, size, offset)


def _sendfile(source: int, target: int, size: int, offset: int) -> int:
    """Like copy_file_range(2), also from one kind of file system to another; see sendfile(2)."""
    return os.sendfile(target, source, offset, size)


def replace(path: Path, target: Path) -> None:
    """Rename ``path`` to ``target``, which never disappears if it existed before; see renameat2(2).

    Unlike os.replace, this does not make ext4 write the whole file to disk first. After a power failure the new file
    may be empty, so this is for files that can be made again.
    """
    if target.exists():
        import ctypes

        libc = ctypes.CDLL(None)
        if libc.renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(target), _RENAME_EXCHANGE) == 0:
            path.unlink()
            return
    os.replace(path, target)  # There is no target yet, or the file system cannot exchange files.
