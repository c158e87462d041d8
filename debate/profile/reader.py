"""Read a YAML file into nodes with places.

The types are those of YAML's 1.2 core schema without floating-point numbers. Scalars that YAML 1.1 and 1.2 parse
differently (``no``, ``0644``, ``1:30``, ``1.10``) are refused; in quotes they are text for both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from debate.errors import Place, Problem
from debate.profile.node import Node
from debate.text.printable import quoted

MAX_NODES = 20_000
"""Values in one file. An alias counts each time it is used."""
MAX_TEXT = 1 << 20
"""Characters of all values and names in one file, with those of an alias each time it is used."""
MAX_DEPTH = 40
IN_QUOTES = "in quotes"
"""The end of the remedy for a value that was probably meant as text."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_AMBIGUOUS = (
    (re.compile(r"y|Y|yes|Yes|YES|on|On|ON"), "is the boolean true to some YAML readers and text to others",
     'write true, or "{raw}" for the text'),
    (re.compile(r"n|N|no|No|NO|off|Off|OFF"), "is the boolean false to some YAML readers and text to others",
     'write false, or "{raw}" for the text'),
    (re.compile(r"True|TRUE|False|FALSE"), "is a boolean in an unusual spelling", "write it in lower case"),
    (re.compile(r"[-+]?(0[0-7_]+|0o[0-7]+|0b[01_]+|0x[0-9a-fA-F_]+)"),
     "is an octal, binary or hexadecimal number to some YAML readers", 'write "{raw}" ' + IN_QUOTES),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
     "is a number in base 60 to some YAML readers", 'write "{raw}" ' + IN_QUOTES),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
     "is a floating-point number to YAML, so that 1.10 becomes 1.1", 'write "{raw}" ' + IN_QUOTES),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "is a date to YAML", 'write "{raw}" ' + IN_QUOTES),
    (re.compile(r"[-+]?[0-9]+_[0-9_]*|\+[0-9]+"), "is a number in an unusual spelling",
     "write digits only, or quote it"),
)  # fmt: skip
"""Scalars that YAML readers disagree on: pattern, fact, remedy."""

_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
} | {None, "!"}  # fmt: skip


def read(text: bytes, file: str, directory: Path) -> tuple[Node | None, list[Problem]]:
    """Parse the mapping in ``text``. Returns it with all problems of the YAML.

    ``file`` is the name in places; paths in the file are relative to ``directory``. The mapping is None if the text
    cannot be parsed at all.
    """
    reader = _Reader(file, directory)
    return reader.read(text), reader.problems


class _TooLargeError(Exception):
    """The document exceeds MAX_NODES, MAX_TEXT or MAX_DEPTH."""

    def __init__(self, place: Place | None = None) -> None:
        super().__init__()
        self.place = place


_TOO_LARGE = "too deep, too large or an alias of itself", "write it out, without aliases"
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]
    """Stops before a large document fills the memory. Each value can have a key, which is a node, too."""

    _count = 0

    def descend_resolver(self, _parent: Any, _index: Any) -> None:
        self._count += 1
        if self._count > 2 * MAX_NODES:
            raise _TooLargeError


class _Reader:
    """Turns the YAML nodes of one file into `Node`s and collects the problems."""

    def __init__(self, file: str, directory: Path) -> None:
        self.file, self.directory = file, directory
        self.problems: list[Problem] = []
        self.count = self.text = 0

    def read(self, text: bytes) -> Node | None:
        start = Place(self.file, 1, 1)
        try:
            loader = _Loader(text.decode())
            try:
                tree = loader.get_single_node()
            finally:
                loader.dispose()
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            self.problem(Place(self.file, line, 1), "not UTF-8", "save the file as UTF-8")
            return None
        except yaml.YAMLError as error:
            self.syntax(error)
            return None
        except RecursionError:
            self.problem(start, "nested too deeply", "make it flatter")
            return None
        except _TooLargeError:
            self.problem(start, *_TOO_LARGE)
            return None
        if not isinstance(tree, yaml.MappingNode):
            place = start if tree is None else self.place(tree)
            self.problem(place, "a profile is a mapping of fields", "start with `version: 1`")
            return None
        try:
            return self.node(tree, 0)
        except _TooLargeError as error:
            self.problem(error.place or start, *_TOO_LARGE)
            return None

    def problem(self, place: Place, fact: str, remedy: str) -> None:
        self.problems.append(Problem(place, fact, remedy))

    def place(self, node: Any) -> Place:
        return self.marked(node.start_mark)

    def marked(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = self.marked(mark) if mark else Place(self.file, 1, 1)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        context = getattr(error, "context", None)
        text = f"{context}: {problem}" if context else problem
        self.problem(place, f"not valid YAML: {text}", "check indentation, quotes and tabs")

    def node(self, node: Any, depth: int, key: Place | None = None) -> Node:
        self.count += 1
        place = self.place(node)
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise _TooLargeError(place)
        value, raw = node.value, ""
        if isinstance(node, yaml.MappingNode):
            value = self.mapping(node, depth)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.node(item, depth + 1) for item in node.value]
        else:
            self.characters(node.value, place)
            value, raw = self.scalar(node, place), node.value
        return Node(value, place, raw, key, self.directory)

    def characters(self, text: str, place: Place) -> None:
        self.text += len(text)
        if self.text > MAX_TEXT:
            raise _TooLargeError(place)

    def mapping(self, node: Any, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        first: dict[str, Place] = {}
        for key_node, item in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(place, "a field name must be a single word", "write `name: value`")
                continue
            key = key_node.value
            self.characters(key, place)
            if key == "<<":
                self.problem(place, "merge keys (<<) are not supported", "use `extends`")
                continue
            child = self.node(item, depth + 1, place)
            if key in found:
                self.problem(
                    place, f"field {quoted(key)} is a duplicate key, first on line {first[key].line}", "keep one"
                )
                continue
            found[key], first[key] = child, place
        return found

    def scalar(self, node: Any, place: Place) -> Any:
        raw = node.value
        if node.tag not in _CORE_TAGS:
            self.problem(place, f"tag {quoted(node.tag)} is not supported", "remove it")
        if node.style:  # Quoted, or a block: always text.
            return raw
        if raw in ("", "~", "null", "Null", "NULL"):
            return None
        if raw in ("true", "false"):
            return raw == "true"
        if _INTEGER.fullmatch(raw) and len(raw) < 19:
            return int(raw)
        for pattern, fact, remedy in _AMBIGUOUS:
            if pattern.fullmatch(raw):
                self.problem(place, f"{raw} {fact}", remedy.format(raw=raw))
                break
        return raw
