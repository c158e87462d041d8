"""Copies of files, and putting one in another's place."""

from __future__ import annotations

import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def send(source: int, target: int, size: int) -> None:
    """Copy the first ``size`` bytes of one open file to another, inside the kernel; see sendfile(2).

    ``source`` is not moved, so that it can be read meanwhile. Raises OSError where it ends before.
    """
    offset = 0
    while offset < size:
        count = os.sendfile(target, source, offset, size - offset)
        if not count:
            raise OSError("cut short while it was copied")
        offset += count


def replace(path: Path, target: Path) -> None:
    """Rename ``path`` to ``target``, which is there at every moment if it was before; see renameat2(2).

    As os.replace, without ext4's custom of bringing the whole file to the disk first. After a power cut the
    new file may be empty: for files that can be had again.
    """
    if target.exists():
        import ctypes

        libc = ctypes.CDLL(None)
        if libc.renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(target), _RENAME_EXCHANGE) == 0:
            path.unlink()
            return
    os.replace(path, target)  # Nothing to exchange it with, or a file system that cannot.
