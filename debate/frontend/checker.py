"""Detects changed files for doit: by xxh3-128, which is only computed if the inode changed.

doit's own checker trusts an unchanged modification time. Outputs of reproducible builds have times derived from their
epoch, so new content can have the old modification time. The change time cannot be set back.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from doit.dependency import FileChangedChecker


class XXH3Checker(FileChangedChecker):  # type: ignore[misc]
    """State of a file: size, mtime and ctime in nanoseconds, inode, xxh3-128 in hex."""

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: Any) -> bool:
        """True if the file's content differs from ``state``."""
        if state[:4] == _signature(file_stat):
            return False
        if state[0] != file_stat.st_size:
            return True
        return bool(state[4] != xxh3(file_path))

    def get_state(self, dep: str, current_state: Any) -> list[Any] | None:
        """The file's state, or None if it is still ``current_state``."""
        signature = _signature(os.stat(dep))
        if current_state and current_state[:4] == signature:
            return None
        return [*signature, xxh3(dep)]


def _signature(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def xxh3(path: str) -> str:
    """The xxh3-128 of a file's content in hex. It detects changes, but never identifies content."""
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
