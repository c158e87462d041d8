"""Why a step runs, or ran: its inputs, compared with those of its last run.

traces/STEP.json has the ingredients of its key, traces/read/STEP.json the values that it read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import msgspec

from debate.deferred import make_all
from debate.errors import Place
from debate.history.changes import Change, changes
from debate.history.records import Records
from debate.host.files import read_object
from debate.profile.lockfile import PackageChange, differences
from debate.text.paths import shown
from debate.trace import Trace

if TYPE_CHECKING:
    from debate.profile.node import Node

Kind = Literal[
    "new", "value", "file", "package", "script", "code", "tools", "input", "layer", "given", "record", "lost", "asked"
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """One reason why a step runs."""

    kind: Kind
    """What changed: a ``value`` of the config, a ``file`` of the overlay, a ``package`` of the lock, a ``script`` in
    sandbox/, ``code`` of debate, the ``tools`` tree, an ``input`` or ``layer`` from another step, or any other
    ingredient (``given``). ``new``: there is no trace of a last run; ``record``: its record is
    missing or damaged; ``lost``: its result is no longer in the cache; ``asked``: it was requested by name."""
    path: str = ""
    """Path of the value, file, script or module; name of the package or input; number of the layer, the lowest 1."""
    change: Literal["", "added", "removed", "changed", "reordered"] = ""
    """How a value, a file, or a field of a file changed."""
    old: Any = None
    new: Any = None
    """JSON values; of a package its versions, None if it was added or removed."""
    place: Place | None = None
    """The place of the value, or the file that was read."""

    def __str__(self) -> str:
        place = f" ({self.place})" if self.place else ""
        if self.kind == "value":
            return f"{Change(self.change or 'changed', (self.path,), self.old, self.new)}{place}"
        if self.kind == "file":
            return f"{self.path}: {self.change or 'changed'}{place}"
        if self.kind == "package":
            return f"lock: {PackageChange(self.path, self.old, self.new)}"
        return _TEXTS[self.kind].format(path=self.path)

    def to_json(self) -> dict[str, Any]:
        """The fields that are not empty."""
        found = {"kind": self.kind, "path": self.path or None, "change": self.change or None, "old": self.old,
                 "new": self.new, "place": self.place.to_json() if self.place else None}  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def from_json(cls, value: Any) -> Reason | None:
        """None if another version of debate wrote it."""
        make_all()
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError:
            return None


_TEXTS = {
    "new": "never built here before",
    "script": "sandbox/{path} changed",
    "code": "debate/{path} changed",
    "tools": "the tools tree changed",
    "input": "its input {path} changed",
    "layer": "layer {path} below it changed",
    "given": "its {path} changed",
    "record": "its record is missing or damaged",
    "lost": "its result is no longer in the cache",
    "asked": "requested by name",
}


class _Package(TypedDict):
    name: str
    version: str
    architecture: str
    sha256: str


class _Lock(TypedDict):
    packages: list[_Package]
    unpacked: NotRequired[list[_Package]]


class READ(TypedDict, total=False):
    """The content of traces/read/STEP.json. The other fields are slices, which are compared whatever they contain."""

    lock: _Lock


@dataclass(frozen=True)
class Last:
    """What is known about a step's last run; empty if there was none."""

    trace: Mapping[str, Any]
    read: Mapping[str, Any]

    @classmethod
    def load(cls, records: Records, step: str) -> Last:
        """Read it from an output directory. A damaged file counts as missing; without a trace the step never ran."""
        trace = read_object(records.directory / f"traces/{step}.json", Trace)
        read = read_object(records.directory / f"traces/read/{step}.json", READ)
        return cls(trace, read if trace else {})

    @property
    def why(self) -> list[Reason]:
        """Why it ran."""
        return from_json(self.trace.get("why", []))


def from_json(values: Iterable[Any]) -> list[Reason]:
    """Reasons from a trace or a report, without those that another version of debate wrote."""
    return [reason for value in values if (reason := Reason.from_json(value))]


def reasons(
    last: Last,
    read: Mapping[str, Any],
    ingredients: Mapping[str, Any],
    contents: Mapping[str, Any],
    root: Callable[[], Node],
) -> list[Reason]:
    """Why a step that now reads ``read`` and has these ``ingredients`` has to run again; empty if nothing tells why.

    ``read`` has slices as ``slices/STEP``, and the record ``lock``.
    In terms of what the user changed, or of the step's ingredients if that explains nothing. ``contents`` has the
    paths of the overlay's files; ``root`` reads the profile, for the places of its values.
    """
    if not last.trace:
        return [Reason("new")]
    found = []
    place = cache(root)
    for name in sorted(read.keys() & last.read.keys() - {"lock"}):
        found += [_of_value(change, place, contents, read[name]) for change in changes(last.read[name], read[name])]
    old, new = last.read.get("lock"), read.get("lock")
    if old and new:
        found += [Reason("package", each.name, old=each.old, new=each.new) for each in differences(old, new)]
    if ingredients:
        known, old = {str(reason) for reason in found}, last.trace.get("ingredients", {})
        found += [one for one in _of_key(old, ingredients, explained=bool(found)) if str(one) not in known]
    if not found and ingredients:
        found.append(Reason("lost"))
    return found


def _of_key(old: Mapping[str, Any], new: Mapping[str, Any], *, explained: bool) -> list[Reason]:
    """What changed in a key: scripts, code, tools, outputs of other steps; the rest only if these explain nothing."""
    found = [Reason("script", name) for name in _changed(*map(_scripts, (old, new)))]
    host = _changed(old.get("host", {}), new.get("host", {}))
    found += [Reason("code", f"sandbox/image/{name}.py") for name in host]
    found += [Reason("code", name) for name in _changed(old.get("code", {}), new.get("code", {}))]
    if old.get("tools") != new.get("tools"):
        found.append(Reason("tools"))
    if not found and not explained:
        found += [Reason("input", name) for name in _changed(old.get("inputs", {}), new.get("inputs", {}))]
        layers = [dict(enumerate(side.get("layers", []), 1)) for side in (old, new)]
        found += [Reason("layer", str(number)) for number in _changed(*layers)]
    if not found and not explained:
        found += [Reason("given", name) for name in _changed(old, json.loads(json.dumps(new)))]
    return found


def _scripts(ingredients: Mapping[str, Any]) -> dict[str, str]:
    """Path below sandbox/ -> digest, of all scripts of a step and of those on the way to it."""
    steps = [ingredients, *ingredients.get("steps", {}).values()]
    commands = [command for step in steps for command in step.get("commands", [])]
    return {name: digest for command in commands for name, digest in command["script"].items()}


def _changed(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Any]:
    """The sorted keys of what differs."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _of_value(change: Change, root: Callable[[], Node], contents: Mapping[str, Any], now: Any) -> Reason:
    """A change of a slice, with its place in the profile or its source file."""
    if change.path[:1] == ("tree",) and len(change.path) > 1:
        path, fields = change.path[1], change.path[2:]
        digest = next((entry.get("digest", "") for entry in now.get("tree", []) if entry["path"] == path), "")
        source = contents.get(digest, {}).get("path", "")
        file = shown(Path(source)) if source.startswith("/") else source
        place = Place(file) if file else _position(root(), path)
        if fields and fields != ("digest",):  # Mode, owner and the like.
            return Reason("value", f"{path} {fields[0]}", change.kind, change.old, change.new, place)
        return Reason("file", path, "changed" if fields else change.kind, place=place)
    place = None if change.kind == "removed" else _position(root(), change.new)
    return Reason("value", ".".join(change.path), change.kind, change.old, change.new, place)


def _position(root: Node, value: Any) -> Place | None:
    """The place of the only scalar with this value; None if there is none or more than one."""
    found = [] if value is None else list(_find(root, value))
    return found[0].position if len(found) == 1 else None


def _find(node: Node, value: Any) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for below in node.value.values():
            yield from _find(below, value)
    elif isinstance(node.value, list):
        for below in node.value:
            yield from _find(below, value)
    elif type(node.value) is type(value) and node.value == value:
        yield node
