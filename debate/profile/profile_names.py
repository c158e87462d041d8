"""Names of profiles and their bases, without parsing YAML.

The graph needs them before it reads any profile. Therefore ``base: NAME`` must be on a line of its own in the profile's
own file; `debate.steps.lock` refuses every other way to write it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from debate.errors import DebateError
from debate.text.suggest import suggest

_BASE = re.compile(rb"^base:[ \t]+([A-Za-z0-9_][A-Za-z0-9_.-]*)[ \t]*(?:#.*)?\r?$", re.MULTILINE)


def names(directory: Path) -> list[str]:
    """The profiles in ``directory``, sorted, without those that start with _ and are only extended."""
    try:
        files = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(f.removesuffix(".yaml") for f in files if f.endswith(".yaml") and f[0] not in "_.")


def require(name: str) -> None:
    """Refuse an invalid name for a new profile. Raises DebateError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        why = ": a profile whose name starts with _ can only be extended" if name.startswith("_") else ""
        remedy = "use letters, digits, _ . and -, and start with a letter or digit"
        raise DebateError(f"{name!r} is not a valid name for a profile to build{why}", remedy)


def missing(directory: Path, name: str) -> tuple[str, str]:
    """Fact and remedy for a ``name`` that is none of `names`."""
    if name.startswith("_") and (directory / f"{name}.yaml").exists():
        return f"{name} can only be extended, not built", f"name a profile that has `extends: {name}`"
    return f"there is no profile {name!r}", suggest(name, names(directory))


def base(directory: Path, name: str) -> str | None:
    """The base of the profile ``name``, on whose packages it is installed."""
    try:
        found = _BASE.search((directory / f"{name}.yaml").read_bytes())
    except OSError:
        return None
    return found[1].decode() if found and found[1].lower() != b"null" else None


def chain(directory: Path, name: str) -> tuple[str, ...]:
    """The base, its base and so on, the nearest first. Ends before it would become circular."""
    found: list[str] = []
    below = base(directory, name)
    while below is not None and below not in found and below != name:
        found.append(below)
        below = base(directory, below)
    return tuple(found)


def circular(directory: Path, name: str) -> bool:
    """True if the chain of bases never ends. `debate.steps.lock` refuses such a profile."""
    return base(directory, (name, *chain(directory, name))[-1]) is not None


def committed(directory: Path, name: str) -> Path:
    """Where a profile's committed lock is, if it has one."""
    return directory / f"{name}.lock.json"
