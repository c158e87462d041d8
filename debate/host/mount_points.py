"""Where file systems are mounted."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def below(directory: Path) -> list[str]:
    """The mount points below ``directory``, an absolute path without links; relative to it, sorted, to be shown.

    The directory may be one itself. Source: proc_pid_mountinfo(5), field 5.
    """
    start = os.fsencode(directory).rstrip(b"/") + b"/"
    points = (line.split(b" ", 5)[4] for line in _MOUNTS.read_bytes().split(b"\n") if line)
    found = {_ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), point) for point in points}
    return sorted(
        point[len(start) :].decode(errors="replace") for point in found if point.startswith(start) and point != start
    )
