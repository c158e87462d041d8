"""Lock files: the exact packages of a profile.

A committed lock next to its profile (profiles/NAME.lock.json) pins it. Without one, the first build resolves the
packages and keeps the lock in the output directory until the package list changes or ``doit lock:NAME`` refreshes it.
A lock does not name mirrors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate.errors import DebateError, Place
from debate.model import Locked

FORMAT = 1
_REMEDY = "restore it from git, or delete it and build"
_FIELDS = {
    "name": r"[a-z0-9][a-z0-9@+._-]*", "version": r"[A-Za-z0-9.+:~_-]+", "architecture": r"[a-z0-9_]+",
    "repository": r"[a-z][a-z0-9-]*", "path": r"(?!.*(^|/)\.\.(/|$))[A-Za-z0-9][A-Za-z0-9/.+:~_%-]*",
    "sha256": r"[0-9a-f]{64}", "signature": r"[A-Za-z0-9+/]*={0,2}",
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """Read and check a lock, since people edit and merge them. Raises DebateError."""
    try:
        lock: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DebateError("missing", place=str(path)) from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise DebateError(f"not JSON: {error}", _REMEDY, place=Place(str(path), line)) from None
    return check(lock, str(path))


def check(lock: Any, place: str) -> dict[str, Any]:
    """Return ``lock``, if it is one. Raises DebateError at ``place``."""
    problem = _problem(lock)
    if problem:
        raise DebateError(problem, _REMEDY, place=place)
    found: dict[str, Any] = lock
    return found


def _problem(lock: Any) -> str:
    if not isinstance(lock, dict) or lock.get("format") != FORMAT:
        return f"not a lock of format {FORMAT}"
    for name in ("request", "distribution", "release", "architecture"):
        if not isinstance(lock.get(name), str):
            return f"field {name!r} is missing"
    packages = lock.get("packages")
    if not isinstance(packages, list) or not packages:
        return "field 'packages' is missing"
    seen = set()
    fields = Locked.__dataclass_fields__.keys()
    for number, package in enumerate(packages, 1):
        if not isinstance(package, dict) or not fields - {"signature"} <= package.keys() <= fields:
            return f"package {number} lacks fields or has unknown ones"
        for name, pattern in _FIELDS.items():
            value = package.get(name, "")
            if not isinstance(value, str) or not re.fullmatch(pattern, value):
                return f"package {package.get('name', number)!r}: field {name!r} is {value!r}"
        if type(package["size"]) is not int or package["size"] <= 0:
            return f"package {package['name']!r}: field 'size' is {package['size']!r}"
        if _identity(package) in seen:
            return f"package {package['name']!r} is listed twice"
        seen.add(_identity(package))
    return ""


def _identity(package: Mapping[str, Any]) -> tuple[str, str]:
    """What is unique in a system: name and architecture."""
    return package["name"], package["architecture"]


def to_text(lock: Mapping[str, Any]) -> str:
    return json.dumps(lock, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class PackageChange:
    """One change of a lock. As text it is a line for people: + added, - removed, ~ old -> new."""

    name: str
    """With its architecture, as in ``libc6:i386``, if a package of this name occurs for several."""
    old: str | None
    """The version; None if it was added."""
    new: str | None
    """The version; None if it was removed. The same as ``old`` if only the file differs."""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "old": self.old, "new": self.new}

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.name} {self.new}"
        if self.new is None:
            return f"- {self.name} {self.old}"
        if self.old == self.new:
            return f"~ {self.name} {self.new} (same version, other file)"
        return f"~ {self.name} {self.old} -> {self.new}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[PackageChange]:
    """The changes of a refresh, sorted by name and architecture."""
    before = {_identity(package): package for package in old["packages"]}
    after = {_identity(package): package for package in new["packages"]}
    names = [name for name, _ in before.keys() | after.keys()]
    found = []
    for identity in sorted(before.keys() | after.keys()):
        name = identity[0] if names.count(identity[0]) == 1 else ":".join(identity)
        was, now = before.get(identity), after.get(identity)
        versions = was["version"] if was else None, now["version"] if now else None
        if was is None or now is None or (was["version"], was["sha256"]) != (now["version"], now["sha256"]):
            found.append(PackageChange(name, *versions))
    return found
