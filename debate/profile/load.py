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
from debate.text.suggest import closest, suggest


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
        file = str(Path(shown(self.directory), path.name))  # The path itself, also if it is a link.
        text = self.text(path, name, chain, asked or Place(file, 1, 1))
        if text is None:
            return None
        if path not in self.sources:
            self.sources.append(path)
        root, problems = reader.read(text, file, path.parent)
        if root is None:
            self.problems += problems
            return None
        self.problems += _one_per_place(problems, list(schema.problems(root)))
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
                if path.is_symlink():
                    problem = f"profile {name!r} is a link to a file that does not exist", "correct or remove it"
                else:
                    known = sorted(f.stem for f in self.directory.glob("*.yaml") if f.stem not in chain)
                    problem = f"there is no profile {name!r}", suggest(name, known)
            except OSError as error:
                problem = f"profile {name!r} cannot be read: {error.strerror}", "make it a file that can be read"
        self.problems.append(Problem(asked, *problem))
        return None


def _one_per_place(of_yaml: list[Problem], of_schema: list[Problem]) -> Iterator[Problem]:
    """The problems of a file, one for each place: a value that YAML readers disagree on has the wrong type as well.

    If the schema refuses the value also as text, putting it in quotes would not help.
    """
    refused = {problem.place for problem in of_schema}
    kept = [each for each in of_yaml if each.place not in refused or not each.remedy.endswith(reader.IN_QUOTES)]
    yield from kept
    yield from (problem for problem in of_schema if problem.place not in {each.place for each in kept})


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


def _siblings(path: Path, *, directories: bool) -> list[str]:
    """The names of the directories or files beside ``path``, sorted."""
    if not path.parent.is_dir():
        return []
    return sorted(entry.name for entry in path.parent.iterdir() if entry.is_dir() == directories)


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
            hint = closest(path.name, _siblings(path, directories=kind == "overlay"))
            problem = "is missing", f"did you mean {hint!r}?" if hint else "create it, or correct the path"
        elif (kind == "overlay") != resolved.is_dir():
            proper = "a directory" if kind == "overlay" else "a file"
            problem = f"is not {proper}", f"name {proper}"
        else:
            return None
    except OSError as error:
        problem = f"cannot be read: {error.strerror}", "choose another"
    return Problem(node.position, f"{kind} {name!r} {problem[0]}", problem[1])
