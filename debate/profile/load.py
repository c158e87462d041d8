"""Load a profile: read its YAML file and those that it extends, and collect all their problems."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from debate.errors import MOST_PROBLEMS, Place, Problem, ProfileError
from debate.host.beneath import RefusedError, Tree
from debate.profile import files, reader, remove, schema
from debate.profile.merge import duplicates, merge
from debate.profile.node import Node, Profile
from debate.profile.profile_names import SUFFIX, can_be_extended, is_shipped, unknown
from debate.text.paths import shown
from debate.text.suggest import closest

_MAX_CHAIN = 50
"""Profiles that extend one another, from the first to the last."""
_MAX_NODES = 2 * reader.MAX_NODES
"""Values of a profile and of all that it extends."""
_MAX_MERGED = 1_000_000
"""Values that are looked at while profiles are merged."""

_LONG = 1 << 16
"""Bytes of a file from which on it is not kept in memory."""

_TOO_LARGE = f"extends: more than {_MAX_NODES:,} values in all", "write fewer, or extend fewer profiles"
_TOO_OFTEN = f"extends: more than {_MAX_MERGED:,} values are merged on the way", "extend fewer profiles"

NOT_INHERITED = {"extends", remove.FIELD, "base", "description"}
"""Fields that say something of one profile alone."""


def load(directory: Path, name: str) -> Profile:
    """Read the profile ``name`` in ``directory``. Raises ProfileError with all its problems."""
    try:
        opened = files.opened(directory)
    except OSError as error:
        raise ProfileError([Problem(Place(shown(directory)), f"{error.strerror}", "make it readable")]) from None
    with opened as tree:
        loader = _Loader(directory, tree)
        root = loader.load(name)
    if loader.problems or root is None:
        raise ProfileError(loader.problems)
    return Profile(name, root, tuple(loader.sources), tuple(loader.orders[name]))


class _Loader:
    """Reads a profile and those that it extends, and collects the problems of all."""

    def __init__(self, directory: Path, tree: files.Profiles) -> None:
        self.directory, self.tree = directory, tree
        self.problems: list[Problem] = []
        self.sources: list[Path] = []
        self.own: dict[str, Node] = {}
        """File -> what it says itself."""
        self.removed: dict[str, tuple[Node, frozenset[str]]] = {}
        """File -> its field `remove`, if it has one, and the files that it extends."""
        self.asked: dict[str, Place] = {}
        """File -> where it is extended first."""
        self.orders: dict[str, dict[str, None]] = {}
        """The files that each profile comes from, each once, those that win last."""
        self.nodes = self.merged = 0
        self.is_too_much = False

    def load(self, name: str) -> Node | None:
        """The profile ``name`` merged with all that it extends, without its `extends`."""
        self.read(name, (), None)
        return self.merged_of(self.orders.get(name, ()))

    def merged_of(self, order: Iterable[str]) -> Node | None:
        """What files say together, each over those before it."""
        merged: Node | None = None
        for file in order:
            if merged is None:
                merged = self.own[file]
                continue
            if file in self.removed:
                merged = remove.without(merged, *self.removed[file])
            merged = self.merge(merged, self.own[file], self.asked[file])
        return merged

    def read(self, name: str, chain: tuple[str, ...], asked: Place | None) -> None:
        """Read the profile ``name`` and all that it extends.

        ``chain``: the profiles that extend it, the outermost first. ``asked``: the place where the last of them does.
        """
        if name in self.orders:
            return
        directory, own = files.where(self.directory, name)
        if directory == self.directory:
            self.read_in(self.tree, directory, name, own, chain, asked)
            return
        with files.opened(directory) as tree:
            self.read_in(tree, directory, name, own, chain, asked)

    def read_in(
        self, tree: files.Profiles, directory: Path, name: str, own: str, chain: tuple[str, ...], asked: Place | None
    ) -> None:
        """The same in ``directory``, in which it is called ``own``."""
        file = os.path.join(tree.shown, f"{own}{SUFFIX}")  # The path itself, also if it is a link.
        text = self.text(tree, name, own, chain, asked or Place(file, 1, 1))
        if text is None:
            return
        self.sources.append(_source(directory, own))
        root, size, problems = (_read if len(text) <= _LONG else _read.__wrapped__)(text, file, directory)
        if root is None:
            self.problems += problems
            self.orders[name] = {}
            return
        self.nodes += size
        if self.nodes > _MAX_NODES:
            self.too_much(asked or root.position, *_TOO_LARGE)
            self.orders[name] = {}
            return
        self.problems += problems
        self.problems += _misplaced(root, tree)
        order, parents = dict[str, None](), list[str]()
        for node in _extended(root):
            parent = node.value
            if is_shipped(name) and not is_shipped(parent):
                parent = f"{files.SHIPPED}{parent}"
            parents.append(parent)
            if not self.is_too_much:
                self.read(parent, (*chain, name), node.position)
            for below in self.orders.get(parent, ()):
                order.pop(below, None)
                order[below] = None
        removed = root.get(remove.FIELD)
        if removed is not None and isinstance(removed.value, dict):
            self.removed[file] = removed, frozenset(order)
            if all(self.orders.get(parent) for parent in parents):  # What cannot be read is told of itself.
                self.problems += remove.missing(self.merged_of(order), removed)
        self.orders[name] = {**order, file: None}
        self.asked[file] = asked or root.position
        left_out = NOT_INHERITED if chain else {"extends", remove.FIELD}
        self.own[file] = root.with_value({name: node for name, node in root.value.items() if name not in left_out})

    def merge(self, parent: Node, own: Node, place: Place) -> Node:
        """``own`` over ``parent``; only ``own``, with a problem at ``place``, once the lists are out of proportion."""
        size = parent.size + own.size
        self.merged += size
        if self.merged <= _MAX_MERGED and size <= _MAX_NODES:
            return merge(parent, own)
        self.too_much(place, *(_TOO_LARGE if size > _MAX_NODES else _TOO_OFTEN))
        return own

    def too_much(self, place: Place, fact: str, remedy: str) -> None:
        """Note, once, that what profiles extend is out of proportion."""
        if not self.is_too_much:
            self.problems.append(Problem(place, fact, remedy))
        self.is_too_much = True

    def text(self, tree: files.Profiles, name: str, own: str, chain: tuple[str, ...], asked: Place) -> bytes | None:
        """The content of a profile's file; None, with a problem at ``asked``, if it cannot be read."""
        if not can_be_extended(own):
            problem = f"{name!r} is not a valid profile name", "use letters, digits, _ . and -"
        elif name in chain:
            problem = f"extends is circular: {' -> '.join((*chain, name))}", "break the cycle"
        elif len(chain) > _MAX_CHAIN:
            problem = f"more than {_MAX_CHAIN} profiles extend one another", "extend fewer"
        else:
            try:
                return tree.read(f"{own}{SUFFIX}", files.MAX_PROFILE)
            except FileNotFoundError:
                if _source(tree.directory, own).is_symlink():
                    problem = f"profile {name!r} is a link to a file that does not exist", "correct or remove it"
                else:
                    before = files.SHIPPED if is_shipped(name) else ""
                    known = sorted(f"{before}{f.stem}" for f in tree.directory.glob("*.yaml"))
                    problem = unknown(self.directory, name, [each for each in known if each not in chain])
            except OSError as error:
                fact, remedy = files.refusal(error)
                problem = f"profile {name!r} {fact}", remedy
        self.problems.append(Problem(asked, *problem))
        return None


@lru_cache(maxsize=16)
def _source(directory: Path, name: str) -> Path:
    """The file of a profile. Many profiles extend a few."""
    return directory / f"{name}{SUFFIX}"


@lru_cache(maxsize=16)
def _read(text: bytes, file: str, directory: Path) -> tuple[Node | None, int, tuple[Problem, ...]]:
    """What the file of one profile says, the number of its values, and its problems, but for those of named files.

    A file that many profiles extend is parsed once.
    """
    root, of_yaml = reader.read(text, file, directory)
    if root is None:
        return None, 0, tuple(of_yaml)
    found = _one_per_place(list(_fitting(root, of_yaml)) if of_yaml else [], list(schema.problems(root)))
    return root, root.size, (*found, *duplicates(root))


def _fitting(root: Node, of_yaml: Iterable[Problem]) -> Iterator[Problem]:
    """``of_yaml``, where values that readers disagree on are said to be only what their fields may have.

    Those that may be nothing of it are left to the schema, which knows what may be there.
    """
    disagreed = {(each.place, each.fact) for each in of_yaml}
    meant: dict[Place, list[reader.Reading]] = {}
    for path, node in schema.scalars(root):
        if (node.position, reader.disagreement(node.raw)) in disagreed:
            readings = meant.get(node.position, reader.readings(node.raw))  # An alias has several paths.
            meant[node.position] = [each for each in readings if path and schema.fits(each[1], *path)]
    for problem in of_yaml:
        if problem.place is None or problem.place not in meant:
            yield problem
        elif found := meant[problem.place]:
            yield Problem(problem.place, problem.fact, reader.remedy(found))


def _one_per_place(of_yaml: list[Problem], of_schema: list[Problem]) -> Iterator[Problem]:
    """The problems of a file, one for each place: a value that YAML readers disagree on has the wrong type as well."""
    told = {each.place for each in of_yaml}
    yield from of_yaml
    yield from (problem for problem in of_schema if problem.place not in told)


def _extended(root: Node) -> list[Node]:
    """The names of the profiles that ``root`` extends, in order."""
    field = root.get("extends")
    if field is None:
        return []
    nodes = field.entries() or [field]
    return [node for node in nodes if isinstance(node.value, str)]


def _misplaced(root: Node, tree: Tree) -> Iterator[Problem]:
    """Named files and trees that are missing, of the wrong kind, or outside the profiles directory ``tree``."""
    wanted = [("overlay", item.at(["source"])) for item in _items(root, "overlays")]
    wanted += [("file", item.at(["source"])) for item in _items(root, "files")]
    wanted += [("hook", item) for item in _items(root, "hooks")]
    wanted += [("hook", item) for item in _items(root.get("initrd"), "hooks")]
    wanted += [("key", item.at(["key"])) for item in _items(root, "repositories")]
    found = 0
    for kind, node in wanted:
        if isinstance(node.value, str) and node.value and "\0" not in node.value:
            problem = _misplacement(node, kind, tree, hint=found < MOST_PROBLEMS)
            if problem:
                found += 1
                yield problem


def _items(root: Node | None, field: str) -> list[Node]:
    node = root.get(field) if root else None
    return node.entries() if node else []


def _siblings(tree: Tree, name: str, *, directories: bool) -> list[str]:
    """The names of the directories or files beside ``name``."""
    try:
        items = tree.entries(posixpath.dirname(name))
    except OSError:
        return []
    return [item.path for item in items if stat.S_ISDIR(item.mode) == directories]


def _misplacement(node: Node, kind: str, tree: Tree, *, hint: bool) -> Problem | None:
    """The problem with the file or tree that ``node`` names, if there is one; with ``hint`` also what may be meant."""
    name, is_tree = node.value, kind == "overlay"
    try:
        if (stat.S_ISDIR if is_tree else stat.S_ISREG)(tree.mode(name)):
            return None
        proper = "a directory" if is_tree else "a file"
        problem = f"is not {proper}", f"name {proper}"
    except (FileNotFoundError, NotADirectoryError):
        like = closest(posixpath.basename(name), _siblings(tree, name, directories=is_tree)) if hint else None
        meant = posixpath.join(posixpath.dirname(name), like or "")
        problem = "is missing", f"did you mean {meant!r}?" if like else "create it, or correct the path"
    except OSError as error:
        problem = files.refusal(error)
        if error.errno == errno.ELOOP:
            problem = "is a loop of symbolic links", "choose another"
        elif not isinstance(error, RefusedError):
            problem = problem[0], "choose another"
    return Problem(node.position, f"{kind} {name!r} {problem[0]}", problem[1])
