"""Copies of files."""

from __future__ import annotations

import os


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
