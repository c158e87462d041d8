"""Paths as people read them."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """``path`` relative to the working directory where it lies below, else whole."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
