"""Which profiles there are, without reading any."""

from __future__ import annotations

import os
import re
from pathlib import Path

from debate.errors import DebateError


def names(directory: Path) -> list[str]:
    """The profiles in ``directory``, sorted. Those that start with _ are only for others to extend."""
    try:
        files = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(f.removesuffix(".yaml") for f in files if f.endswith(".yaml") and f[0] not in "_.")


def require(name: str) -> None:
    """Refuse what cannot name a profile that is to be made. Raises DebateError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise DebateError(f"{name!r} is no name for a profile; use letters, digits, _ . and -")
