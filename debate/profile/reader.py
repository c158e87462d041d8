"""Read a YAML file into nodes with places.

The types are those of YAML's 1.2 core schema without floating-point numbers. Scalars that YAML 1.1 and 1.2 parse
differently (``no``, ``0644``, ``1:30``, ``1.10``) are refused; in quotes they are text for both.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from debate.errors import MOST_PROBLEMS, Place, Problem
from debate.profile.node import Node
from debate.text.printable import quoted

MAX_NODES = 20_000
"""Values in one file. An alias counts each time it is used."""
MAX_TEXT = 1 << 20
"""Characters of all values and names in one file, with those of an alias each time it is used."""
MAX_DEPTH = 40
_LONGEST_NUMBER = 19
"""Characters of a number, one too many."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_AMBIGUOUS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"y|Y|yes|Yes|YES|on|On|ON"), "is the boolean true to some YAML readers and text to others", "true"),
    (re.compile(r"n|N|no|No|NO|off|Off|OFF"), "is the boolean false to some YAML readers and text to others", "false"),
    (re.compile(r"True|TRUE"), "is a boolean in an unusual spelling", "true"),
    (re.compile(r"False|FALSE"), "is a boolean in an unusual spelling", "false"),
    (re.compile(r"[-+]?(0[0-7_]+|0o[0-7]+|0b[01_]+|0x[0-9a-fA-F_]+)"),
     "is an octal, binary or hexadecimal number to some YAML readers", ""),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), "is a number in base 60 to some YAML readers", ""),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
     "is a floating-point number to YAML, so that 1.10 becomes 1.1", ""),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "is a date to YAML", ""),
    (re.compile(r"[-+]?[1-9][0-9]*_[0-9_]*|\+[0-9]+"), "is a number in an unusual spelling", "digits"),
)  # fmt: skip
"""Scalars that YAML readers disagree on: pattern, fact, and what they may be meant as, besides text."""

_CORE_TAG = "tag:yaml.org,2002:str"
_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
} | {None, "!"}  # fmt: skip


Reading = tuple[str, Any]
"""A value as it can be written so that all readers agree, and what it is then."""


def read(text: bytes, file: str, directory: Path) -> tuple[Node | None, list[Problem]]:
    """Parse the mapping in ``text``. Returns it with all problems of the YAML.

    ``file`` is the name in places; paths in the file are relative to ``directory``. The mapping is None if the text
    cannot be parsed at all.
    """
    reader = _Reader(file, directory)
    return reader.read(text), reader.problems


def disagreement(raw: str) -> str:
    """The fact about an unquoted scalar that YAML readers disagree on; empty for others."""
    return next((f"{raw} {fact}" for pattern, fact, _ in _AMBIGUOUS if pattern.fullmatch(raw)), "")


def readings(raw: str) -> list[Reading]:
    """What such a scalar can be meant as."""
    meant = next(meant for pattern, _, meant in _AMBIGUOUS if pattern.fullmatch(raw))
    text = (f'"{raw}"', raw)
    if meant in ("true", "false"):
        return [(meant, meant == "true"), text]
    digits = re.sub("[+_]", "", raw)
    if meant == "digits" and _INTEGER.fullmatch(digits) and len(digits) < _LONGEST_NUMBER:
        return [(digits, int(digits)), text]
    return [text]


def remedy(found: Sequence[Reading]) -> str:
    """What to write instead of such a scalar."""
    [(text, value), *others] = found
    if others:
        return f"write {text}, or {others[0][0]} for the text"
    return f"write {text} in quotes" if isinstance(value, str) else f"write {text}"


class _TooLargeError(Exception):
    """The document exceeds one of the bounds. ``mark`` is libyaml's, of the value that does."""

    def __init__(self, mark: Any, fact: str, remedy: str) -> None:
        super().__init__(fact)
        self.mark, self.fact, self.remedy = mark, fact, remedy


_TOO_DEEP = f"more than {MAX_DEPTH} lists and mappings within each other", "make it flatter"
_TOO_MANY = (
    f"more than {MAX_NODES:,} values in one file; an alias counts each time it is used",
    "write fewer, such as an overlay instead of many files",
)
_TOO_LONG = (
    f"more than {MAX_TEXT:,} characters of text in one file; an alias counts each time it is used",
    "write less, such as files of an overlay",
)
_ITSELF = "an alias of what it is in, which has no end", "write out what is meant, without the alias"

_UNFIT = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")
"""Characters that YAML does not permit, and those that end a line for some of its readers and for no editor."""
_LINE_ENDS = "\x85\u2028\u2029\r"

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]
    """Stops before a large document fills the memory. Each value can have a key, which is a node, too."""

    _count = _depth = 0

    def resolve(self, _kind: Any, _value: Any, _implicit: Any) -> str:
        """The tag of a value that has none: any of `_CORE_TAGS`, since `_Reader.scalar` tells types itself."""
        return _CORE_TAG

    def descend_resolver(self, parent: Any, _index: Any) -> None:
        self._count += 1
        self._depth += 1
        if self._count > 2 * MAX_NODES:
            raise _TooLargeError(parent.start_mark, *_TOO_MANY)
        if self._depth > MAX_DEPTH + 1:  # The first is that of the mapping itself.
            raise _TooLargeError(parent.start_mark, *_TOO_DEEP)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Reader:
    """Turns the YAML nodes of one file into `Node`s and collects the problems."""

    def __init__(self, file: str, directory: Path) -> None:
        self.file, self.directory = file, directory
        self.problems: list[Problem] = []
        self.count = self.text = 0
        self.around: set[int] = set()
        """The ids of libyaml's nodes around the one that is read."""
        self.seen: set[int] = set()

    def read(self, text: bytes) -> Node | None:
        start = Place(self.file, 1, 1)
        try:
            decoded = text.decode()
            if unfit := list(itertools.islice(self.unfit(decoded), MOST_PROBLEMS)):
                self.problems += unfit
                return None
            loader = _Loader(decoded)
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
        except _TooLargeError as error:
            self.problem(self.marked(error.mark), error.fact, error.remedy)
            return None
        if not isinstance(tree, yaml.MappingNode):
            place = start if tree is None else self.place(tree)
            self.problem(place, "a profile is a mapping of fields", "start with `version: 1`")
            return None
        try:
            return self.node(tree, 0, tree.start_mark)
        except _TooLargeError as error:
            mark = _alias_of_itself(decoded) if error.fact == _ITSELF[0] else None
            self.problem(self.marked(mark or error.mark), error.fact, error.remedy)
            return None

    def unfit(self, text: str) -> Iterator[Problem]:
        """The characters for which no two YAML readers need agree on what the file says."""
        line, begins = 1, 0
        for match in _UNFIT.finditer(text):
            at = match.start()
            line += text.count("\n", begins, at)
            begins = text.rfind("\n", 0, at) + 1
            name = f"U+{ord(match[0]):04X}"
            why = "ends a line for some readers of YAML" if match[0] in _LINE_ENDS else "may not be in YAML"
            remedy = f"remove it; in double quotes, {ascii(match[0])[1:-1]} stands for it"
            yield Problem(Place(self.file, line, at - begins + 1), f"the character {name} {why}", remedy)

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

    def node(self, node: Any, depth: int, asked: Any, key: Place | None = None) -> Node:
        """``asked``: the mark of the key or list that leads to ``node``, which is elsewhere if that is an alias."""
        self.count += 1
        place = self.place(node)
        if id(node) in self.around:
            raise _TooLargeError(asked, *_ITSELF)
        alias = asked if id(node) in self.seen else None
        mark = alias or node.start_mark
        self.seen.add(id(node))
        if self.count > MAX_NODES:
            raise _TooLargeError(mark, *_TOO_MANY)
        if depth > MAX_DEPTH:
            raise _TooLargeError(mark, *_TOO_DEEP)
        value, raw = node.value, ""
        if isinstance(node, yaml.ScalarNode):
            self.characters(node.value, mark)
            value, raw = self.scalar(node, place), node.value
        else:
            self.around.add(id(node))
            if isinstance(node, yaml.MappingNode):
                value = self.mapping(node, depth, alias)
            else:
                value = [self.node(item, depth + 1, mark) for item in node.value]
            self.around.remove(id(node))
        return Node(value, place, raw, key, self.directory)

    def characters(self, text: str, mark: Any) -> None:
        self.text += len(text)
        if self.text > MAX_TEXT:
            raise _TooLargeError(mark, *_TOO_LONG)

    def mapping(self, node: Any, depth: int, alias: Any) -> dict[str, Node]:
        found: dict[str, Node] = {}
        first: dict[str, Place] = {}
        for key_node, item in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(place, "a field name must be a single word", "write `name: value`")
                continue
            key = key_node.value
            self.characters(key, alias or key_node.start_mark)
            if key == "<<":
                self.problem(place, "merge keys (<<) are not supported", "use `extends`")
                continue
            child = self.node(item, depth + 1, alias or key_node.start_mark, place)
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
        if _INTEGER.fullmatch(raw) and len(raw) < _LONGEST_NUMBER:
            return int(raw)
        if told := disagreement(raw):
            self.problem(place, told, remedy(readings(raw)))
        return raw


def _alias_of_itself(text: str) -> Any:
    """The mark of the first alias that is in what it stands for. None if there is none."""
    around: list[str | None] = []
    for event in yaml.parse(text, _SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            around.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            around.pop()
        elif isinstance(event, yaml.AliasEvent) and event.anchor in around:
            return event.start_mark
    return None
