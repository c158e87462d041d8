"""Names of profiles and their bases, without parsing YAML.

The graph needs them before it reads any profile. Therefore ``base: NAME`` must be on a line of its own in the profile's
own file; `debate.steps.lock` refuses every other way to write it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from debate.errors import DebateError
from debate.profile import files
from debate.text.suggest import suggest

_MAX_LENGTH = 100
"""Characters of a profile's name. Those of its results are longer, and Linux allows 255."""
_BASE = re.compile(rb"^base:[ \t]+([A-Za-z0-9_][A-Za-z0-9_.-]*)[ \t]*(?:#.*)?\r?$", re.MULTILINE)


def names(directory: Path) -> list[str]:
    """The profiles in ``directory``, sorted, without those that start with _ and are only extended."""
    return sorted(filter(is_valid, _all(directory)))


def invalid(directory: Path) -> list[str]:
    """What would be profiles in ``directory`` if they had valid names, sorted."""
    return sorted(name for name in _all(directory) if not can_be_extended(name) and not name.startswith("."))


def _all(directory: Path) -> list[str]:
    try:
        return [file.removesuffix(".yaml") for file in os.listdir(directory) if file.endswith(".yaml")]
    except OSError:  # `doit validate` tells why, unless it is only missing.
        return []


def is_valid(name: str) -> bool:
    """True for a name that a profile to build can have."""
    return can_be_extended(name) and not name.startswith("_")


def can_be_extended(name: str) -> bool:
    """True for a name that a profile can have."""
    return len(name) <= _MAX_LENGTH and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) is not None


REMEDY = f"use at most {_MAX_LENGTH} letters, digits, _ . and -, and start with a letter or digit"


def require(name: str) -> None:
    """Refuse an invalid name for a new profile. Raises DebateError."""
    if not is_valid(name):
        why = ": a profile whose name starts with _ can only be extended" if name.startswith("_") else ""
        raise DebateError(f"{name!r} is not a valid name for a profile to build{why}", REMEDY)


def missing(directory: Path, name: str) -> tuple[str, str]:
    """Fact and remedy for a ``name`` that is none of `names`."""
    if name.startswith("_") and files.exists(directory, f"{name}.yaml"):
        return f"{name} can only be extended, not built", f"name a profile that has `extends: {name}`"
    return f"there is no profile {name!r}", suggest(name, names(directory))


def base(directory: Path, name: str) -> str | None:
    """The base of the profile ``name``, on whose packages it is installed."""
    try:
        found = _BASE.search(files.read(directory, f"{name}.yaml", files.MAX_PROFILE))
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
