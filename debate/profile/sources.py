"""The files and trees from which a profile was read the last time.

They tell the graph what to watch without reading the profile: sources.json in its output directory lists them, with a
digest of the trees' entries (names, kinds, modes and link targets, but not contents, since doit watches each file).
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from debate import keys
from debate.host.beneath import MAX_BYTES, Tree
from debate.host.files import read_object
from debate.profile.files import MAX_FILE, absolute, opened, relative


def state(paths: Iterable[Path], profiles: Path) -> dict[str, Any]:
    """The content of sources.json. ``paths`` are below the directory ``profiles``, or shipped."""
    listed = sorted({relative(profiles, path) for path in paths})
    return {"paths": listed, "trees": _listing(listed, profiles)}


def _read(directory: Path) -> dict[str, Any] | None:
    state = read_object(directory / "sources.json")
    paths, trees = state.get("paths"), state.get("trees")
    whole = isinstance(trees, str) and isinstance(paths, list) and all(map(_is_path, paths))
    return state if whole else None


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def paths(directory: Path) -> list[str]:
    """The paths, below the profiles directory; of shipped files with a / before them."""
    found: list[str] = (_read(directory) or {"paths": []})["paths"]
    return found


def files(directory: Path, profiles: Path) -> list[str]:
    """The regular files that exist now, including those in the trees."""
    found = (path for path, mode, _ in _found(paths(directory), profiles) if stat.S_ISREG(mode))
    return [os.path.join(*absolute(profiles, path)) for path in found]


def unchanged(directory: Path, profiles: Path) -> bool:
    """True if the same paths exist and the trees have the same names, kinds, modes and link targets."""
    state = _read(directory)
    return state is not None and state["trees"] == _listing(state["paths"], profiles)


def _listing(paths: Iterable[str], profiles: Path) -> str:
    return keys.sha256(json.dumps(sorted(_found(paths, profiles))).encode())


def _found(paths: Iterable[str], profiles: Path) -> Iterator[tuple[str, int, str]]:
    """Path below ``profiles``, type and mode, and link target of all that is at ``paths`` and in the trees there.

    What a path names itself has of its mode whether it is executable; what may not be used, or is too large, has no
    type.
    """
    with opened(profiles) as own, ExitStack() as stack:
        trees: dict[Path, Tree] = {profiles: own}
        for path in paths:
            try:
                directory, name = absolute(profiles, path)
                tree = trees.get(directory) or stack.enter_context(opened(directory))
                trees[directory] = tree
                status = tree.status(name)
                mode = status.st_mode
                kind = stat.S_IFMT(mode) | mode & stat.S_IXUSR if status.st_size <= MAX_FILE else 0
                yield path, kind, ""
                if stat.S_ISDIR(kind):
                    with tree.below(name) as below:
                        yield from ((f"{path}/{name}", mode, target) for name, mode, target in _entries(below))
            except OSError:
                yield path, 0, ""


def _entries(tree: Tree) -> Iterator[tuple[str, int, str]]:
    for item in tree.walk(unreadable=lambda _path, _error: None):
        mode = item.mode if item.size <= MAX_BYTES else 0
        yield item.path, mode, tree.link(item.path) if stat.S_ISLNK(mode) else ""
