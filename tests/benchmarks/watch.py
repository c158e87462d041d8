"""What running sandboxes take: memory, and space for their files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

_GROUPS = Path("/sys/fs/cgroup")
_EVERY = 0.2
"""Seconds between two looks."""


class Peak(NamedTuple):
    """The most that one step had at a time, in bytes."""

    memory: int = 0
    """Of its processes, and of its files where they are kept in memory. Other files in the page cache do not count."""
    scratch: int = 0
    """In its scratch file system, in memory or on disk."""


class Watch:
    """Looks at the sandboxes of one store, in a thread of its own, for as long as its context lasts."""

    def __init__(self, cache: Path) -> None:
        self.peaks: dict[str, Peak] = {}
        """Step -> the most of it."""
        self._tmp = cache / "tmp"
        self._groups: dict[str, list[Path]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            for name in self._names():
                groups = self._groups.get(name) or [*_GROUPS.rglob(f"debate-{name}*")]
                self._groups[name] = groups
                step = name.split("-", 3)[3]  # See `debate.host.files.workspace_name`.
                last = self.peaks.get(step, Peak())
                found = (_memory(groups), _scratch(groups, self._tmp / name / "scratch"))
                self.peaks[step] = Peak(*map(max, last, found))

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._tmp) if name.count("-") >= 3]
        except OSError:
            return []


def _memory(groups: list[Path]) -> int:
    """What the kernel cannot take back: memory of processes, and files of tmpfs."""
    return max((_sum(group / "memory.stat") for group in groups), default=0)


def _sum(stat: Path) -> int:
    try:
        found = dict(line.split(" ", 1) for line in stat.read_text().splitlines())
    except (OSError, ValueError):
        return 0
    version_1 = "total_rss" in found
    return sum(int(found.get(name, 0)) for name in (("total_rss", "total_shmem") if version_1 else ("anon", "shmem")))


def _scratch(groups: list[Path], directory: Path) -> int:
    """Bytes in the scratch file system, which is mounted in the namespace of the sandbox's processes alone."""
    for process in _processes(groups):
        try:
            root = f"/proc/{process}/root"
            found = os.statvfs(f"{root}{directory}")
            if os.stat(f"{root}{directory}").st_dev == os.stat(f"{root}{directory.parent}").st_dev:
                continue  # Not mounted yet.
        except OSError:
            continue
        return (found.f_blocks - found.f_bfree) * found.f_frsize
    return 0


def _processes(groups: list[Path]) -> Iterator[str]:
    for group in groups:
        try:
            yield from (group / "cgroup.procs").read_text().split()
        except OSError:
            continue
