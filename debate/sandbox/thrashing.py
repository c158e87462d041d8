"""Notices a sandbox that has reached its limit of memory, but that the kernel does not end.

With nothing left to reclaim but the pages of its own programs, a process can fault them in again and again: each
allocation reclaims a few of them, so it succeeds, and the OOM killer is not called. Measured with a limit of 256 MiB on
Linux 6.18: 0.2 % of the memory in files, and 140,000 failed charges per second, for 20 minutes.

Sources: Documentation/admin-guide/cgroup-v1/memory.rst (memory.failcnt, memory.stat) and cgroup-v2.rst
(memory.events, memory.stat) of Linux.
"""

from __future__ import annotations

from pathlib import Path

from debate.sandbox import limits
from debate.text.lines import lines_of

INTERVAL = 1.0
"""Seconds between two looks."""
_LOOKS = 5
"""So many looks in sequence must find it thrashing."""
_RECLAIMABLE = 0.01
"""Part of the limit. A program that runs needs more than this in its files."""
_CHARGES = 1000
"""Failed charges between two looks. A step that makes progress has fewer."""


class Thrashing:
    """Watches the control group of one process."""

    def __init__(self, process: int) -> None:
        self.process = process
        self._failed = 0
        self._looks = 0

    def found(self) -> bool:
        """True if the group has been thrashing for several seconds. To be called each `INTERVAL`."""
        group = limits.counters_of(self.process).get("memory")
        failed, reclaimable, limit = _read(group.parent) if group else (0, 0, 0)
        thrashes = failed - self._failed > _CHARGES and reclaimable < limit * _RECLAIMABLE
        self._failed = failed
        self._looks = self._looks + 1 if thrashes else 0
        return self._looks >= _LOOKS


def _read(group: Path) -> tuple[int, int, int]:
    """Failed charges; bytes of file pages; limit in bytes. Zeros if the group is gone or has no limit."""
    try:
        if (group / "memory.failcnt").exists():
            failed = int((group / "memory.failcnt").read_text())
            limit = int((group / "memory.limit_in_bytes").read_text())
            prefix = "total_"
        else:
            failed = _fields(group / "memory.events")["max"]
            limit = int((group / "memory.max").read_text())
            prefix = ""
        stat = _fields(group / "memory.stat")
        return failed, stat[f"{prefix}active_file"] + stat[f"{prefix}inactive_file"], limit
    except (OSError, ValueError, KeyError):
        return 0, 0, 0


def _fields(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in map(str.split, lines_of(path.read_text()))}
