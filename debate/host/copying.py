"""Copying files, and replacing one by another."""

from __future__ import annotations

import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def send(source: int, target: int, size: int) -> None:
    """Copy the first ``size`` bytes of one open file to another, inside the kernel; see sendfile(2).

    The file offset of ``source`` does not change, so that others can read it meanwhile. Raises OSError if it is
    shorter.
    """
    offset = 0
    while offset < size:
        count = os.sendfile(target, source, offset, size - offset)
        if not count:
            raise OSError("truncated while it was copied")
        offset += count


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
