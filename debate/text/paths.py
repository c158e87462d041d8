"""Paths for messages."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """``path``, relative to the working directory if it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
