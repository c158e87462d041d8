"""Read a profile: YAML with positions, what it extends, and the schema.

Every problem is found in one go and reported as ``file:line:column: fact; remedy``.

YAML's types are those of its 1.2 core schema without numbers that have a point. What YAML 1.1 and
1.2 read differently (``no``, ``0644``, ``1:30``, ``1.10``) is refused: quoted, it is text to both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from debate import PACKAGE
from debate.errors import Place as Position
from debate.errors import Problem, ProfileError
from debate.text.paths import shown
from debate.text.suggest import suggest

SCHEMA = PACKAGE / "schema" / "profile.schema.json"
MAX_NODES = 100_000
"""Values in one file, aliases counted as often as they are used."""
MAX_DEPTH = 40

_LISTS_BY = {"users": "name", "files": "path", "permissions": "path", "repositories": "name"}
"""Lists of mappings in which a later entry replaces the earlier one of the same name."""


@dataclass
class Node:
    """A value and where it stands."""

    value: Any
    """A scalar, a list of nodes, or a mapping of names to nodes."""
    position: Position
    raw: str = ""
    """How a scalar was written."""
    key: Position | None = None
    """Where the name of this value stands in its mapping."""
    directory: Path = Path()
    """Directory of the file, to which paths are relative."""

    def data(self) -> Any:
        """The value without positions."""
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if isinstance(self.value, dict):
            return {name: node.data() for name, node in self.value.items()}
        return self.value

    def at(self, path: Iterable[str | int]) -> Node:
        """The node at ``path``, or the nearest one above it."""
        node = self
        for step in path:
            try:
                node = node.value[step]
            except (KeyError, IndexError, TypeError):
                break
        return node


@dataclass
class Profile:
    """A profile with all that it extends."""

    name: str
    root: Node
    sources: list[Path] = field(default_factory=list)
    """Every YAML file that was read."""

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.root.data()
        return data


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a profile."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


def load(directory: Path, name: str) -> Profile:
    """Read the profile ``name`` in ``directory``. Raises ProfileError with all its problems."""
    problems: list[tuple[Position, str]] = []
    sources: list[Path] = []
    root = _load(directory, name, (), None, problems, sources)
    if problems or root is None:
        raise ProfileError(Problem(where, text) for where, text in problems)
    return Profile(name, root, sources)


def _load(
    directory: Path,
    name: str,
    chain: tuple[str, ...],
    asked: Position | None,
    problems: list[tuple[Position, str]],
    sources: list[Path],
) -> Node | None:
    path = directory / f"{name}.yaml"
    place = shown(path)
    asked = asked or Position(place, 1, 1)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        problems.append((asked, f"{name!r} is not a profile's name; letters, digits, _ . and - make one"))
        return None
    if name in chain:
        problems.append((asked, f"extends goes round in a circle: {' -> '.join((*chain, name))}; break it"))
        return None
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        known = sorted(f.stem for f in directory.glob("*.yaml") if f.stem not in chain)
        problems.append((asked, f"there is no profile {name!r}; {suggest(name, known)}"))
        return None
    except OSError as error:
        problems.append((asked, f"{place}: {error.strerror}; make it readable"))
        return None
    if path not in sources:
        sources.append(path)
    root = _Reader(place, path.parent, problems).read(text)
    if root is None:
        return None
    noted = {where for where, _ in problems}
    problems.extend(item for item in _schema_problems(root) if item[0] not in noted)
    problems.extend(_doubled(root))
    problems.extend(_misplaced(root, directory))
    bases = root.value.get("extends")
    merged: Node | None = None
    for node in _extended(bases):
        base = _load(directory, node.value, (*chain, name), node.position, problems, sources)
        if base is not None:
            merged = base if merged is None else _merge(merged, base)
    root.value.pop("extends", None)
    if chain:
        root.value.pop("base", None)
    return root if merged is None else _merge(merged, root)


def _doubled(root: Node) -> Iterator[tuple[Position, str]]:
    """Entries of one file that name the same thing; across files the later one wins."""
    for name, key in _LISTS_BY.items():
        seen: dict[Any, Position] = {}
        items = root.value[name].value if name in root.value else []
        for item in items if isinstance(items, list) else []:
            node = item.value.get(key) if isinstance(item.value, dict) else None
            if node is None or not isinstance(node.value, str):
                continue
            if node.value in seen:
                line = seen[node.value].line
                yield node.position, f"{name}: {node.value!r} stands twice, first in line {line}; keep one"
            seen[node.value] = node.position


def _misplaced(root: Node, directory: Path) -> Iterator[tuple[Position, str]]:
    """Files and trees that are named but missing, of the wrong kind, or outside of ``directory``."""
    wanted = [("overlay", item.at(["source"])) for item in _items(root, "overlays")]
    wanted += [("hook", item) for item in _items(root, "hooks")]
    wanted += [("key", item.at(["key"])) for item in _items(root, "repositories")]
    for kind, node in wanted:
        if isinstance(node.value, str) and node.value and "\0" not in node.value:
            problem = _misplacement(node, kind, directory.resolve())
            if problem:
                yield node.position, problem


def _items(root: Node, name: str) -> list[Node]:
    value = root.value[name].value if name in root.value else None
    return value if isinstance(value, list) else []


def _misplacement(node: Node, kind: str, directory: Path) -> str:
    name = node.value
    path = node.directory / name
    try:
        resolved = path.resolve()
        if not resolved.is_relative_to(directory):
            return f"{kind} {name!r} lies outside of the profiles' directory; move it inside"
        if not resolved.exists():
            near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = suggest(path.name, near) if near else f"nor is there a directory {Path(name).parent}"
            return f"{kind} {name!r} is missing; {hint}"
        if (kind == "overlay") != resolved.is_dir():
            proper = "a directory" if kind == "overlay" else "a file"
            return f"{kind} {name!r} is not {proper}; name {proper}"
    except (OSError, RuntimeError) as error:  # RuntimeError: symbolic links in a circle
        return f"{kind} {name!r}: {getattr(error, 'strerror', None) or error}; name another"
    return ""


def _extended(bases: Node | None) -> list[Node]:
    if bases is None:
        return []
    nodes = bases.value if isinstance(bases.value, list) else [bases]
    return [node for node in nodes if isinstance(node.value, str)]


def _merge(base: Node, own: Node, name: str = "") -> Node:
    if isinstance(base.value, dict) and isinstance(own.value, dict):
        value = dict(base.value)
        for key, node in own.value.items():
            value[key] = _merge(value[key], node, key) if key in value else node
        return Node(value, own.position, own.raw, own.key, own.directory)
    if isinstance(base.value, list) and isinstance(own.value, list) and name not in ("console", "firmware"):
        key = _LISTS_BY.get(name)
        if key is None:
            return Node([*base.value, *own.value], own.position, "", own.key, own.directory)
        by_key: dict[Any, Node] = {}
        for node in (*base.value, *own.value):
            same = node.value.get(key) if isinstance(node.value, dict) else None
            index = same.data() if same else id(node)
            by_key[index] = _merge(by_key[index], node) if index in by_key else node
        return Node(list(by_key.values()), own.position, "", own.key, own.directory)
    return own


# --- YAML ------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_SURPRISES = (
    (re.compile(r"y|Y|yes|Yes|YES|on|On|ON"), "is the boolean true to some YAML readers and text to others",
     'write true, or "{raw}" for the text'),
    (re.compile(r"n|N|no|No|NO|off|Off|OFF"), "is the boolean false to some YAML readers and text to others",
     'write false, or "{raw}" for the text'),
    (re.compile(r"True|TRUE|False|FALSE"), "is a boolean spelled in an unusual way", "write it in small letters"),
    (re.compile(r"[-+]?(0[0-7_]+|0o[0-7]+|0b[01_]+|0x[0-9a-fA-F_]+)"),
     "is a number in another base than ten to some YAML readers", 'write "{raw}" in quotes'),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
     "is a number of minutes or seconds to some YAML readers", 'write "{raw}" in quotes'),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
     "is a number to YAML, so that 1.10 becomes 1.1", 'write "{raw}" in quotes'),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "is a date to YAML", 'write "{raw}" in quotes'),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*|\+[0-9]+"), "is a number spelled in an unusual way",
     "write digits alone, or quote it"),
)  # fmt: skip


class _Reader:
    """Turns the nodes of one file into `Node`s, with every problem noted."""

    def __init__(self, file: str, directory: Path, problems: list[tuple[Position, str]]) -> None:
        self.file, self.directory, self.problems = file, directory, problems
        self.count = 0

    def read(self, text: bytes) -> Node | None:
        loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            loader = loader_class(text.decode())
            try:
                tree = loader.get_single_node()
            finally:
                loader.dispose()
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            self.problems.append((Position(self.file, line, 1), "not UTF-8; save the file as UTF-8"))
            return None
        except yaml.YAMLError as error:
            self._syntax(error)
            return None
        except RecursionError:
            self.problems.append((Position(self.file, 1, 1), "nested too deeply; make it flatter"))
            return None
        if not isinstance(tree, yaml.MappingNode):
            where = self._position(tree) if tree is not None else Position(self.file, 1, 1)
            self.problems.append((where, "a profile is a mapping of fields; start with `version: 1`"))
            return None
        try:
            return self._node(tree, 0)
        except _TooLargeError as error:
            self.problems.append((error.position, "too deep, too large or an alias of itself; spell it out"))
            return None

    def _position(self, node: Any) -> Position:
        mark = node.start_mark
        return Position(self.file, mark.line + 1, mark.column + 1)

    def _syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = Position(self.file, mark.line + 1, mark.column + 1) if mark else Position(self.file, 1, 1)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        context = getattr(error, "context", None)
        text = f"{context}: {problem}" if context else problem
        text = "".join(c if c.isprintable() else "?" for c in text)
        self.problems.append((where, f"not YAML: {text}; check indentation, quotes and tabs"))

    def _node(self, node: Any, depth: int) -> Node:
        self.count += 1
        position = self._position(node)
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise _TooLargeError(position)
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, depth), position, directory=self.directory)
        if isinstance(node, yaml.SequenceNode):
            items = [self._node(item, depth + 1) for item in node.value]
            return Node(items, position, directory=self.directory)
        return self._scalar(node, position)

    def _mapping(self, node: Any, depth: int) -> dict[str, Node]:
        value: dict[str, Node] = {}
        for key_node, item in node.value:
            where = self._position(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append((where, "a field's name must be a word; write `name: value`"))
                continue
            key = key_node.value
            if key == "<<":
                self.problems.append((where, "merge keys (<<) are not read; use `extends`"))
                continue
            child = self._node(item, depth + 1)
            if key in value:
                first = value[key].key
                line = first.line if first else "?"
                self.problems.append((where, f"field {key!r} stands twice, first in line {line}; keep one of them"))
                continue
            child.key = where
            value[key] = child
        return value

    def _scalar(self, node: Any, position: Position) -> Node:
        raw, text = node.value, node.value
        if node.tag not in _CORE_TAGS:
            self.problems.append((position, f"tag {node.tag!r} is not read; leave it out"))
        if node.style:  # Quoted, or a block: text, whatever it looks like.
            return Node(text, position, raw, directory=self.directory)
        value: Any = text
        if text in ("", "~", "null", "Null", "NULL"):
            value = None
        elif text in ("true", "false"):
            value = text == "true"
        elif _INTEGER.fullmatch(text) and len(text) < 19:
            value = int(text)
        else:
            for pattern, fact, remedy in _SURPRISES:
                if pattern.fullmatch(text):
                    self.problems.append((position, f"{raw} {fact}; {remedy.format(raw=raw)}"))
                    break
        return Node(value, position, raw, directory=self.directory)


_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
} | {None, "!"}  # fmt: skip


class _TooLargeError(Exception):
    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position


# --- schema ----------------------------------------------------------------------------------------


def _schema_problems(root: Node) -> Iterator[tuple[Position, str]]:
    surprised = root.data()
    for error in _validator().iter_errors(surprised):
        node = root.at(error.absolute_path)
        yield from _explain(error, node)


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(schema())


def _explain(error: Any, node: Node) -> Iterator[tuple[Position, str]]:
    """One schema error in the user's words."""
    field_name = _field_name(error.absolute_path)
    keyword, instance = error.validator, error.instance
    if keyword == "additionalProperties":
        known = sorted(error.schema["properties"])
        for name in sorted(set(instance) - set(known)):
            child = node.value[name]
            place = f" in {field_name}" if field_name else ""
            yield child.key or child.position, f"unknown field {name!r}{place}; {suggest(name, known)}"
        return
    if keyword == "required":
        missing = [name for name in error.validator_value if name not in instance]
        for name in missing:
            hint = error.schema["properties"][name]
            example = json.dumps(hint["examples"][0])
            text = f"{field_name or 'the profile'} lacks the field {name!r}; add for example `{name}: {example}`"
            yield node.position, text
        return
    if keyword == "type":
        wanted = _type_names(error.validator_value)
        if "string" in _as_list(error.validator_value) and isinstance(instance, (int, bool)):
            remedy = f'write "{node.raw}" in quotes'
        else:
            remedy = f"write {wanted}{_example(error.schema)}"
        yield node.position, f"{field_name}: {_type_name(instance)} where {wanted} belongs; {remedy}"
    elif keyword == "enum":
        known = [str(value) for value in error.validator_value]
        yield node.position, f"{field_name}: unknown value {_brief(instance)}; {suggest(str(instance), known)}"
    elif keyword == "pattern":
        form = error.schema.get("x-form", "see the reference")
        yield node.position, f"{field_name}: {_brief(instance)} does not fit; write {form}"
    elif keyword == "const":
        if type(instance) is not type(error.validator_value):
            return  # The wrong type is reported already.
        yield node.position, f"{field_name}: {_brief(instance)} is not known; write {error.validator_value}"
    else:
        limits = {
            "minimum": "too small; {0} is the least", "maximum": "too large; {0} is the most",
            "minLength": "too short; {0} characters are the least",
            "maxLength": "too long; {0} characters are the most",
            "minItems": "too short a list; name {0} at least",
        }  # fmt: skip
        text = limits.get(keyword, error.message).format(error.validator_value)
        yield node.position, f"{field_name}: {_brief(instance)} is {text}"


def _field_name(path: Iterable[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_TYPES = {
    "string": "text", "array": "a list", "object": "a mapping", "boolean": "true or false",
    "integer": "a whole number",
}  # fmt: skip


def _type_names(types: Any) -> str:
    return " or ".join(_TYPES[name] for name in _as_list(types) if name != "null")


def _type_name(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int):
        return f"the number {value}"
    kinds: dict[type, str] = {str: "text", list: "a list", dict: "a mapping"}
    return kinds[type(value)]


def _example(part: dict[str, Any]) -> str:
    return f", such as {json.dumps(part['examples'][0])}" if part.get("examples") else ""


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
