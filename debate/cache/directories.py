"""The directories of the store, in which only root, or the user to whom the store belongs, can have made a file.

One that another user could write to is taken over, and then nothing in it is believed without reading it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from debate.host import ours

UNTOUCHED = 0
"""Modification time of objects, in nanoseconds since 1970."""
_MODE = 0o755


def is_safe(path: Path) -> bool:
    """True if ``path`` is a directory in which only this user and root can make, rename and remove files."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022


def make(path: Path, root: Path, say: Callable[[str], None]) -> None:
    """Make the directory ``path`` below the store's ``root``, and those between, safe. Raises OSError.

    What is in the place of one and is no directory is put aside. ``say`` gets a line about everything that was wrong.
    """
    if path == root:
        ours.make_directory(root)  # It may be part of a checkout, whose owner may write to it.
        return
    make(path.parent, root, say)
    if is_safe(path):
        return
    try:
        os.mkdir(path, 0o700)
        os.chmod(path, _MODE)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            _take_over(path, say)
        else:
            ours.put_aside(path)
            say(f"{path}: is no directory, so it was put aside")
            make(path, root, say)


def _take_over(path: Path, say: Callable[[str], None]) -> None:
    """Make a directory safe, and have every file in it read again before it is used. Raises OSError.

    For who could write to it could rename an object, which then has the name of another.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(directory, os.geteuid(), os.getegid())
        os.fchmod(directory, _MODE)
    finally:
        os.close(directory)
    for _, _, names, descriptor in os.fwalk(path):
        for name in names:
            with suppress(FileNotFoundError):
                # Others are read again anyway, and may be files from elsewhere that were linked there.
                if os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mtime_ns == UNTOUCHED:
                    os.utime(name, dir_fd=descriptor, follow_symlinks=False)
    say(f"{path}: others could write to it; its files are read again before they are used")
