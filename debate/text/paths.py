"""Paths for messages."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path


def relative(name: str) -> str:
    """``name`` as `shown` if it is an absolute path; others, which may not be paths at all, stay unchanged."""
    return shown(Path(name)) if name.startswith("/") else name


def shown(path: Path) -> str:
    """``path``, relative to the working directory if it is below it."""
    try:
        return str(Path(os.path.realpath(path)).relative_to(Path.cwd()))  # Path.resolve refuses links to themselves.
    except ValueError:
        return str(path)


def fits_stars(path: str, pattern: str) -> bool:
    """True if a path fits a pattern in which ``*`` stands for any characters, and all others for themselves."""
    return fnmatchcase(path, pattern.translate(_LITERAL))


_LITERAL = str.maketrans({"[": "[[]", "?": "[?]"})
"""What fnmatch takes for more than itself."""
