"""Load a profile: read its YAML file and those that it extends, and collect all their problems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from debate.errors import Place, Problem, ProfileError
from debate.profile import reader, schema
from debate.profile.merge import duplicates, merge
from debate.profile.node import Node, Profile
from debate.text.paths import shown
from debate.text.suggest import suggest


def load(directory: Path, name: str) -> Profile:
    """Read the profile ``name`` in ``directory``. Raises ProfileError with all its problems."""
    loader = _Loader(directory)
    root = loader.load(name, (), None)
    if loader.problems or root is None:
        raise ProfileError(loader.problems)
    return Profile(name, root, tuple(loader.sources))


class _Loader:
    """Reads a profile and those that it extends, and collects the problems of all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self.sources: list[Path] = []

    def load(self, name: str, chain: tuple[str, ...], asked: Place | None) -> Node | None:
        """The profile ``name`` merged with what it extends, without its `extends`.

        ``chain``: the profiles that extend it, the outermost first. ``asked``: the place where the last of them does.
        """
        path = self.directory / f"{name}.yaml"
        file = shown(path)
        text = self.text(path, name, chain, asked or Place(file, 1, 1))
        if text is None:
            return None
        if path not in self.sources:
            self.sources.append(path)
        root, problems = reader.read(text, file, path.parent)
        self.problems += problems
        if root is None:
            return None
        # A value that YAML readers disagree on has the wrong type as well; one problem per place is enough.
        places = {problem.place for problem in problems}
        self.problems += [problem for problem in schema.problems(root) if problem.place not in places]
        self.problems += duplicates(root)
        self.problems += _misplaced(root, self.directory.resolve())
        merged: Node | None = None
        for node in _extended(root):
            parent = self.load(node.value, (*chain, name), node.position)
            if parent is not None:
                merged = parent if merged is None else merge(merged, parent)
        # `base` is not inherited.
        left_out = {"extends", "base"} if chain else {"extends"}
        own = replace(root, value={name: node for name, node in root.value.items() if name not in left_out})
        return own if merged is None else merge(merged, own)

    def text(self, path: Path, name: str, chain: tuple[str, ...], asked: Place) -> bytes | None:
        """The content of a profile's file; None, with a problem at ``asked``, if it cannot be read."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            problem = f"{name!r} is not a valid profile name", "use letters, digits, _ . and -"
        elif name in chain:
            problem = f"extends is circular: {' -> '.join((*chain, name))}", "break the cycle"
        else:
            try:
                return path.read_bytes()
            except FileNotFoundError:
                known = sorted(f.stem for f in self.directory.glob("*.yaml") if f.stem not in chain)
                problem = f"there is no profile {name!r}", suggest(name, known)
            except OSError as error:
                problem = f"{shown(path)}: {error.strerror}", "make it readable"
        self.problems.append(Problem(asked, *problem))
        return None


def _extended(root: Node) -> list[Node]:
    """The names of the profiles that ``root`` extends, in order."""
    field = root.get("extends")
    if field is None:
        return []
    nodes = field.entries() or [field]
    return [node for node in nodes if isinstance(node.value, str)]


def _misplaced(root: Node, directory: Path) -> Iterator[Problem]:
    """Named files and trees that are missing, of the wrong kind, or outside ``directory``, a resolved path."""
    wanted = [("overlay", item.at(["source"])) for item in _items(root, "overlays")]
    wanted += [("hook", item) for item in _items(root, "hooks")]
    wanted += [("key", item.at(["key"])) for item in _items(root, "repositories")]
    for kind, node in wanted:
        if isinstance(node.value, str) and node.value and "\0" not in node.value:
            problem = _misplacement(node, kind, directory)
            if problem:
                yield problem


def _items(root: Node, field: str) -> list[Node]:
    node = root.get(field)
    return node.entries() if node else []


def _misplacement(node: Node, kind: str, directory: Path) -> Problem | None:
    """The problem with the file or tree that ``node`` names, if there is one."""
    name, path = node.value, node.directory / node.value
    try:
        resolved = Path(os.path.realpath(path))  # About loops, versions of Python differ in what Path.resolve does.
        if not resolved.is_relative_to(directory):
            problem = "is outside the profiles directory", "move it inside"
        elif resolved.is_symlink():
            problem = "is a loop of symbolic links", "choose another"
        elif not resolved.exists():
            near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = suggest(path.name, near) if near else "create it, or correct the path"
            problem = "is missing", hint
        elif (kind == "overlay") != resolved.is_dir():
            proper = "a directory" if kind == "overlay" else "a file"
            problem = f"is not {proper}", f"name {proper}"
        else:
            return None
    except OSError as error:
        problem = f"cannot be read: {error.strerror}", "choose another"
    return Problem(node.position, f"{kind} {name!r} {problem[0]}", problem[1])
