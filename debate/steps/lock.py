"""Locks: which package files a profile is made of.

A lock that is committed beside its profile (profiles/NAME.lock.json) pins it. Without one, the
first build resolves into the output directory and keeps that until the package list changes or
``doit lock:NAME`` asks for news. A lock names no mirror.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.errors import DebateError
from debate.host.files import write_atomically
from debate.model import Locked
from debate.text.amounts import count

if TYPE_CHECKING:
    from debate.steps.pipeline import Pipeline

FORMAT = 1


def committed(profiles: Path, name: str) -> Path:
    """Where a profile's committed lock lies, if it has one."""
    return profiles / f"{name}.lock.json"


class Locker:
    """Makes, checks and refreshes the lock of one profile."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.path = committed(pipeline.settings.profiles, pipeline.name)
        self.wanted: Mapping[str, Any] = pipeline.slice("packages")
        self.request = keys.sha256(keys.canonical(self.wanted))
        below = pipeline.below()
        self.below = below.locked() if below else []

    def run(self, *, refresh: bool) -> dict[str, Any]:
        """Have a lock in the output directory that fits the package list."""
        pinned = self.path.exists()
        old = self.read(self.path) if pinned else self.kept()
        fits = old is not None and old["request"] == self.request and self.has_below(old)
        if pinned and not fits and not refresh and self.pipeline.settings.lock == "refuse":
            whose = "the profile's package list" if old and old["request"] != self.request else "the base's lock"
            raise DebateError(
                f"{self.path}: the lock does not fit {whose} any more; "
                f"run doit lock:{self.pipeline.name} to refresh it, or set DEBATE_LOCK=refresh"
            )
        if old is not None and fits and not refresh:
            self.pipeline.save("lock.json", old)
            return {"note": f"{count(len(old['packages']), 'package')}, {'pinned' if pinned else 'kept'}"}
        new = self.resolve()
        if pinned:
            write_atomically(self.path, to_text(new).encode())
        self.pipeline.save("lock.json", new)
        changes = differences(old, new) if old else []
        note = count(len(new["packages"]), "package")
        if old:
            note += f", {len(changes)} changed" if changes else ", nothing changed"
        return {"note": note, "lines": changes}

    def has_below(self, lock: Mapping[str, Any]) -> bool:
        """Whether a lock holds all that the base's lock does."""
        files = {package["sha256"] for package in lock["packages"]}
        return all(package.sha256 in files for package in self.below)

    def kept(self) -> dict[str, Any] | None:
        """The lock of an earlier build, if it can be read."""
        path = self.pipeline.directory / "lock.json"
        try:
            return self.read(path)
        except DebateError:
            return None

    def resolve(self) -> dict[str, Any]:
        """Ask the distribution's own resolver."""
        pipeline, manager, request = self.pipeline, self.pipeline.manager(), self.pipeline.request()
        mirror = pipeline.load("about.json")["mirror"]
        mirrors = manager.mirrors(pipeline.settings, request, mirror)
        log = pipeline.directory / "logs" / "lock.log"
        below = pipeline.below()
        installed = pipeline.store.read(below.outputs("packages")["index"]) if below else b""
        step = manager.lock_step(request, mirrors, pipeline.base, installed)
        step = pipeline.trusting(step)
        try:
            made = pipeline.builder.run(step, log)
        except DebateError as error:
            problems = manager.explain_lock(log.read_text(errors="replace"), request) if error.log else ()
            if problems:
                reason = "\n".join(map(str, problems))
                raise DebateError(f"lock:{pipeline.name}: {reason}\nthe whole log: {log}") from None
            raise error
        resolved = pipeline.store.read(made["resolved"]).decode()
        packages = self.on_top(manager.read_resolved(resolved, mirrors))
        return {
            "format": FORMAT,
            **{name: self.wanted[name] for name in ("distribution", "release", "architecture")},
            "request": self.request,
            "packages": [package.to_json() for package in packages],
        }

    def on_top(self, packages: Sequence[Locked]) -> list[Locked]:
        """``packages`` and those below. Raises DebateError where one would have to change below."""
        below = {package.name: package for package in self.below}
        for package in packages:
            if package.name in below:
                base = self.wanted["base"]
                raise DebateError(
                    f"lock:{self.pipeline.name}: {package.name} {package.version} is needed, and the base {base!r} has "
                    f"{below[package.name].version}; refresh the base's lock with doit lock:{base}"
                )
        if not packages and not below:
            raise DebateError(f"lock:{self.pipeline.name}: nothing to install came of the package list")
        return sorted([*packages, *self.below], key=lambda package: (package.name, package.architecture))

    @staticmethod
    def read(path: Path) -> dict[str, Any]:
        """Read and check a lock: people edit and merge them."""
        try:
            lock: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise DebateError(f"{path}: missing") from None
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise DebateError(f"{path}:{line}: not JSON: {error}; {_REMEDY}") from None
        problem = _problem(lock)
        if problem:
            raise DebateError(f"{path}: {problem}; {_REMEDY}")
        return lock


_REMEDY = "restore it from git, or delete it and build"
_FIELDS = {
    "name": r"[a-z0-9][a-z0-9@+._-]*", "version": r"[A-Za-z0-9.+:~_-]+", "architecture": r"[a-z0-9_]+",
    "repository": r"[a-z][a-z0-9-]*", "path": r"(?!.*(^|/)\.\.(/|$))[A-Za-z0-9][A-Za-z0-9/.+:~_%-]*",
    "sha256": r"[0-9a-f]{64}", "signature": r"[A-Za-z0-9+/]*={0,2}",
}  # fmt: skip


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
        if not isinstance(package["size"], int) or package["size"] <= 0:
            return f"package {package['name']!r}: field 'size' is {package['size']!r}"
        if (package["name"], package["architecture"]) in seen:
            return f"package {package['name']!r} stands twice"
        seen.add((package["name"], package["architecture"]))
    return ""


def to_text(lock: Mapping[str, Any]) -> str:
    return json.dumps(lock, indent=1, sort_keys=True) + "\n"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What a refresh changed, a line each: + added, - removed, ~ old -> new."""
    before = {p["name"]: p for p in old["packages"]}
    after = {p["name"]: p for p in new["packages"]}
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            lines.append(f"+ {name} {after[name]['version']}")
        elif name not in after:
            lines.append(f"- {name} {before[name]['version']}")
        elif before[name]["version"] != after[name]["version"]:
            lines.append(f"~ {name} {before[name]['version']} -> {after[name]['version']}")
        elif before[name]["sha256"] != after[name]["sha256"]:
            lines.append(f"~ {name} {after[name]['version']} (same version, other file)")
    return lines
