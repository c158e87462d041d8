"""Why a step runs, or ran: what it reads and is made of, against what was kept of its last run.

traces/STEP.json has the key's ingredients, traces/read/STEP.json the values that the step read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from debate.history.changes import Change, changes
from debate.host.files import read_object
from debate.profile.node import Node
from debate.text.paths import shown


@dataclass(frozen=True)
class Last:
    """What is known of a step's last run: empty where there was none."""

    trace: Mapping[str, Any]
    read: Mapping[str, Any]

    @classmethod
    def load(cls, directory: Path, step: str) -> Last:
        """Out of the profile's output directory."""
        return cls(
            read_object(directory / "traces" / f"{step}.json"),
            read_object(directory / "traces/read" / f"{step}.json"),
        )


def reasons(
    last: Last,
    read: Mapping[str, Any],
    ingredients: Mapping[str, Any],
    contents: Mapping[str, Any],
    root: Callable[[], Node],
) -> Iterator[str]:
    """Why a step that now reads ``read`` and has these ``ingredients`` is not what it was.

    In terms of what the user changed; of what it is made of where that tells nothing. ``contents`` says where the
    files of the overlay lie, ``root`` reads the profile, for where its values stand.
    """
    if not last.read:
        yield "it was never built here before"
        return
    told = False
    place = cache(root)
    for name in sorted(read.keys() & last.read.keys() - {"lock"}):
        for change in changes(last.read[name], read[name]):
            told = True
            yield _worded(change, place(), contents, read[name])
    if "lock" in last.read and "lock" in read:
        from debate.steps.lock import differences

        for line in differences(last.read["lock"], read["lock"]):
            told = True
            yield f"lock: {line}"
    if ingredients:
        for reason in _different(last.trace.get("ingredients", {}), ingredients, told=told):
            told = True
            yield reason
    if not told:
        yield "its result is not in the cache any more" if ingredients else "it was asked for"


def _different(old: Mapping[str, Any], new: Mapping[str, Any], *, told: bool) -> Iterator[str]:
    """What of a key changed: scripts, the sandbox base, other steps' results; the rest only if nothing was told yet."""
    scripts = [{name: sha for command in side.get("commands", []) for name, sha in command["script"].items()}
               for side in (old, new)]  # fmt: skip
    for name in sorted(scripts[0].keys() | scripts[1].keys()):
        if scripts[0].get(name) != scripts[1].get(name):
            yield f"sandbox/{name} changed"
    if old.get("base") != new.get("base"):
        yield "the sandbox base changed"
    for name, text in (("inputs", "input"), ("layers", "a layer below")):
        if old.get(name) != new.get(name) and not told:
            yield f"{text} changed: another step made it anew"
    if not told:
        known = ("commands", "base", "inputs", "layers")
        for name in sorted((old.keys() | new.keys()) - set(known)):
            if old.get(name) != new.get(name):
                yield f"what it is given changed: {name}"


def _worded(change: Change, root: Node, contents: Mapping[str, Any], now: Any) -> str:
    """A change of a slice with the place in the profile, or the file, that it comes from."""
    if change.path[:1] == ("tree",) and len(change.path) > 1:
        path, fields = change.path[1], change.path[2:]
        digest = next((entry.get("digest", "") for entry in now.get("tree", []) if entry["path"] == path), "")
        source = contents.get(digest, {}).get("path", "")
        where = _relative(source) if source else _position(root, path)
        if fields and fields != ("digest",):
            fact = f"{fields[0]} {change.old or 'none'} -> {change.new or 'none'}"
        else:
            fact = {"added": "new", "removed": "gone"}.get(change.kind, "changed")
        return f"{path}: {fact}" + (f" ({where})" if where else "")
    where = "" if change.kind == "removed" else _position(root, change.new)
    return f"{change}" + (f" ({where})" if where else "")


def _relative(path: str) -> str:
    return shown(Path(path)) if path.startswith("/") else path


def _position(root: Node, value: Any) -> str:
    """The place of the only scalar that is ``value``; empty where there is none, or more than one."""
    found = [] if value is None else list(_find(root, value))
    return str(found[0].position) if len(found) == 1 else ""


def _find(node: Node, value: Any) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for below in node.value.values():
            yield from _find(below, value)
    elif isinstance(node.value, list):
        for below in node.value:
            yield from _find(below, value)
    elif type(node.value) is type(value) and node.value == value:
        yield node
