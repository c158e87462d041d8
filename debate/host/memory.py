"""The host's available memory."""

from __future__ import annotations

from pathlib import Path

from debate.text.lines import lines_of


def available_memory() -> int:
    """Bytes that can be used without swapping; see proc_meminfo(5), MemAvailable. 0 if unknown."""
    for line in lines_of(Path("/proc/meminfo").read_text()):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
