"""Scripts of ``sandbox/`` and what they read of each other, which keys and the graph must know."""

from __future__ import annotations

import re
from pathlib import Path

INSIDE = "/run/step"
"""Where a sandbox shows the scripts."""

_MENTION = re.compile(rf"{INSIDE}/([A-Za-z0-9_./-]+)")


def closure(directory: Path, script: str) -> list[str]:
    """``script`` and every script that it, or one of those, mentions by its path inside; sorted."""
    found: set[str] = set()
    pending = [script]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _MENTION.findall((directory / name).read_text())
    return sorted(found)
