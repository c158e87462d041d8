"""The differences of two profiles, or of one at two git revisions, in config, packages and size.

A side is a profile's name, or NAME@REVISION for a profile in git.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from debate.commands.command import Answer
from debate.commands.logic.revision import profiles_at
from debate.errors import DebateError
from debate.history.changes import Change, changes
from debate.history.shapes import SHAPES
from debate.host.files import read_object
from debate.profile import lockfile, profile_names
from debate.profile.chosen import chosen, with_sets_sorted
from debate.profile.files import exists
from debate.profile.load import load
from debate.profile.schema import schema
from debate.settings import Settings
from debate.steps import config
from debate.text.amounts import bytes_shown
from debate.text.suggest import suggest


@dataclass(frozen=True)
class Side:
    """One of the two sides."""

    values: dict[str, Any]
    """All fields, with defaults. Lists whose order does not matter are sorted."""
    hash: str
    slices: dict[str, dict[str, Any]]
    """The normalised config."""
    lock: dict[str, Any] | None
    """The committed lock, or else that of the last build; None without either."""
    size: int | None
    """Bytes of the ISO, if this config was built here."""


def diff(settings: Settings, words: Sequence[str]) -> Answer:
    """The report. Raises DebateError for a profile or revision that does not exist.

    In its data ``config``, ``values`` and ``files`` are lists of changes, ``packages`` is one or null if unknown, and
    ``size`` has the bytes of both sides.
    """
    if len(words) != 2:
        raise DebateError("two names are needed", "doit diff A B, each a profile or PROFILE@REVISION", place="diff")
    sides = []
    for word in words:
        name, at, revision = word.partition("@")
        with profiles_at(settings, revision) if at else _here(settings) as directory:
            sides.append(_side(settings, directory, name, f"diff {word}" if at else "diff", built=not at))
    one, two = sides
    found, packages = list(changes(one.values, two.values)), None
    values, files = derived(one.slices, two.slices) if not found else ([], [])
    lines = ["config: the same"] if one.hash == two.hash else []
    if found:
        lines += ["config:", *(f"  {change}" for change in found)]
    elif one.hash != two.hash:
        lines.append("config: the same fields")
    if values:
        lines += ["normalised values:", *(f"  {change}" for change in values)]
    if files:
        lines += ["files that the fields name:", *(f"  {change}" for change in files)]
    if one.lock and two.lock:
        packages = lockfile.differences(one.lock, two.lock)
        lines += ["packages:", *(f"  {change}" for change in packages)] if packages else ["packages: the same"]
    else:
        lines.append("packages: not compared, since one profile has no lock file; build it, or commit its lock file")
    if one.size is not None and two.size is not None:
        lines.append(f"size: {bytes_shown(one.size)} -> {bytes_shown(two.size)} ({two.size - one.size:+,} bytes)")
    data = {
        "same": one.hash == two.hash,
        "config": [change.to_json() for change in found],
        "values": [change.to_json() for change in values],
        "files": [change.to_json() for change in files],
        "packages": None if packages is None else [change.to_json() for change in packages],
        "size": {"old": one.size, "new": two.size},
    }
    return Answer("\n".join(lines) + "\n", data=(data,))


def derived(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[Change], list[Change]]:
    """The changes of the normalised values of the same fields, and those of files and hooks that the fields name."""
    values, files = [], []
    for change in changes(old, new):
        kind, name = change.path[:2], change.path[2:]
        if kind in (("overlay", "tree"), ("overlay", "hooks")) and name:
            files.append(replace(change, path=name))
        else:
            values.append(change)
    return values, files


def _side(settings: Settings, directory: Path, name: str, place: str, *, built: bool) -> Side:
    if not exists(directory, f"{name}.yaml"):
        known = profile_names.names(directory)
        raise DebateError(f"there is no profile {name!r}", suggest(name, known), place=place)
    loaded = load(directory, name)
    made = config.normalise(loaded, directory)
    output = settings.output / name
    pinned = profile_names.committed(directory, name)
    lock = lockfile.read(pinned) if os.path.lexists(pinned) else None
    size = None
    if built and lock is None and (output / "lock.json").exists():
        lock = lockfile.read(output / "lock.json")
    if built:
        hashed, manifest = (read_object(output / f"{name}.json", SHAPES[name]) for name in ("hash", "manifest"))
        if hashed.get("config") == manifest.get("config") == made.hash:
            size = int(manifest["iso"]["size"])
    return Side(with_sets_sorted(schema(), chosen(loaded)), made.hash, made.values, lock, size)


@contextmanager
def _here(settings: Settings) -> Iterator[Path]:
    yield settings.profiles
