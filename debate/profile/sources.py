"""The files and trees from which a profile was read the last time.

They tell the graph what to watch without reading the profile: sources.json in its output directory lists them, with a
digest of the trees' entries (names, kinds, modes and link targets, but not contents, since doit watches each file).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from debate import keys


def state(paths: Iterable[Path]) -> dict[str, Any]:
    """The content of sources.json."""
    listed = sorted({str(path) for path in paths})
    return {"paths": listed, "trees": _listing(listed)}


def _read(directory: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((directory / "sources.json").read_bytes())
        whole = {"paths", "trees"} <= state.keys() and all(isinstance(path, str) for path in state["paths"])
        return state if whole else None
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def files(directory: Path) -> list[str]:
    """The regular files that exist now, including those in the trees."""
    found = []
    for path in (_read(directory) or {"paths": []})["paths"]:
        if os.path.isdir(path):
            found += [entry.path for entry in _walk(path) if entry.is_file(follow_symlinks=False)]
        elif os.path.exists(path):
            found.append(path)
    return found


def unchanged(directory: Path) -> bool:
    """True if the same paths exist and the trees have the same names, kinds, modes and link targets."""
    state = _read(directory)
    return state is not None and state["trees"] == _listing(state["paths"])


def _listing(paths: Iterable[str]) -> str:
    lines: list[tuple[str, int, str]] = []
    for path in paths:
        if os.path.isdir(path):
            for entry in _walk(path):
                target = os.readlink(entry.path) if entry.is_symlink() else ""
                lines.append((entry.path, entry.stat(follow_symlinks=False).st_mode, target))
        else:
            lines.append((path, int(os.path.exists(path)), ""))
    return keys.sha256(json.dumps(sorted(lines)).encode())


def _walk(directory: str) -> Iterator[os.DirEntry[str]]:
    pending = [directory]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
