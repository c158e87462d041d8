"""Paths for messages."""

from __future__ import annotations

from pathlib import Path


def relative(name: str) -> str:
    """``name`` as `shown` if it is an absolute path; others, which may not be paths at all, stay unchanged."""
    return shown(Path(name)) if name.startswith("/") else name


def shown(path: Path) -> str:
    """``path``, relative to the working directory if it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
