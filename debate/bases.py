"""On which other profiles' packages a profile is installed, without parsing YAML.

The graph has to know it before any profile is read. So ``base: NAME`` stands on a line of its own in
the profile's own file; `debate.config` refuses every other way to write it.
"""

from __future__ import annotations

import re
from pathlib import Path

_LINE = re.compile(rb"^base:[ \t]+([A-Za-z0-9_][A-Za-z0-9_.-]*)[ \t]*(?:#.*)?\r?$", re.MULTILINE)


def base(directory: Path, name: str) -> str | None:
    """The profile whose packages lie below those of ``name``."""
    try:
        found = _LINE.search((directory / f"{name}.yaml").read_bytes())
    except OSError:
        return None
    return found[1].decode() if found and found[1].lower() != b"null" else None


def chain(directory: Path, name: str) -> tuple[str, ...]:
    """The base, its base and so on, the nearest first. Ends where it would go round in a circle."""
    found: list[str] = []
    below = base(directory, name)
    while below is not None and below not in found and below != name:
        found.append(below)
        below = base(directory, below)
    return tuple(found)
