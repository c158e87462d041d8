"""Why a step runs, or ran: what it reads and is made of, against what was kept of its last run.

traces/STEP.json has the key's ingredients, traces/read/STEP.json the values that the step read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate.history.changes import changes
from debate.host.files import read_object
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.profile.profile import Node


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


def _worded(change: str, root: Node, contents: Mapping[str, Any], now: Any) -> str:
    """A change of a slice with the place in the profile, or the file, that it comes from."""
    mark, _, rest = change.partition(" ")
    path, _, value = rest.partition(": ")
    if path.startswith("tree."):
        place = path.removeprefix("tree.").removesuffix(".digest")
        digest = next((entry.get("digest", "") for entry in now.get("tree", []) if entry["path"] == place), "")
        where = contents.get(digest, {}).get("path", "") or _position(root, place)
        verb = {"+": "new", "-": "gone", "~": "changed"}[mark]
        return f"{place}: {verb}" + (f" ({_relative(where)})" if where else "")
    where = _position(root, value.rpartition(" -> ")[2])
    return f"{change}" + (f" ({where})" if where and mark != "-" else "")


def _relative(path: str) -> str:
    return shown(Path(path)) if path.startswith("/") else path


def _position(root: Node, text: str) -> str:
    """Where the only value that reads like ``text`` stands, if there is just one."""
    found = list(_find(root, text))
    return str(found[0].position) if len(found) == 1 else ""


def _find(node: Node, text: str) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for below in node.value.values():
            yield from _find(below, text)
    elif isinstance(node.value, list):
        for below in node.value:
            yield from _find(below, text)
    elif str(node.value) == text or json.dumps(node.value) == text:
        yield node
