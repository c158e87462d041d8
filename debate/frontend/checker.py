"""Detects changed files for doit: by xxh3-128, which is only computed if the inode changed.

doit's own checker trusts an unchanged modification time. Outputs of reproducible builds have times derived from their
epoch, so new content can have the old modification time. The change time cannot be set back.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from doit.dependency import FileChangedChecker

State = tuple[int, int, int, int, str]
"""Size, mtime and ctime in nanoseconds, inode, xxh3-128 in hex. In doit's database it is a list."""


class XXH3Checker(FileChangedChecker):  # type: ignore[misc]
    """Compares the `State` of files."""

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: Any) -> bool:
        """True if the file's content differs from ``state``, or that is none."""
        if not is_state(state):
            return True
        if state[:4] == _signature(file_stat):
            return False
        if state[0] != file_stat.st_size:
            return True
        return bool(state[4] != xxh3(file_path))

    def get_state(self, dep: str, current_state: Any) -> list[Any] | None:
        """The file's state, or None if it is still ``current_state``."""
        signature = _signature(os.stat(dep))
        if is_state(current_state) and current_state[:4] == signature:
            return None
        return [*signature, xxh3(dep)]


def is_state(value: Any) -> bool:
    """True for a `State` from doit's database."""
    return isinstance(value, list) and [type(part) for part in value] == [int, int, int, int, str]


def _signature(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def xxh3(path: str) -> str:
    """The xxh3-128 of a file's content in hex; empty if it is no regular file, which might never end.

    It detects changes, but never identifies content.
    """
    import xxhash

    digest = xxhash.xxh3_128()
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return ""  # It was a file when doit was told of it.
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _at_once(path: str, flags: int) -> int:
    """Open a file for `open`, without waiting for a writer if it is a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
