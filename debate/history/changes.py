"""The differences between two values of a config."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Change:
    """One difference between an old and a new value. As text it is a line for people."""

    kind: Literal["added", "removed", "changed", "reordered"]
    path: tuple[str, ...]
    """Names of fields and of named list entries, outermost first. Empty for the value itself."""
    old: Any = None
    """A JSON value. For an entry removed from a list, that entry; for a reordered list, the whole list."""
    new: Any = None

    def to_json(self) -> dict[str, Any]:
        """Its fields; an added value has no ``old`` one, a removed one no ``new`` one."""
        sides = {"old": self.old} if self.kind != "added" else {}
        sides |= {"new": self.new} if self.kind != "removed" else {}
        return {"change": self.kind, "path": list(self.path), **sides}

    def __str__(self) -> str:
        path = ".".join(self.path)
        if self.kind == "added":
            return f"+ {path}: {_text(self.new)}"
        if self.kind == "removed":
            return f"- {path}: {_text(self.old)}"
        if self.kind == "changed":
            return f"~ {path}: {_text(self.old)} -> {_text(self.new)}"
        return f"~ {path}: reordered"


def changes(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Every difference between two JSON values.

    Order and repetitions in lists count. Sort lists that are sets beforehand, as
    `debate.profile.chosen.with_sets_sorted` does. List entries that have a name or a path are matched by it.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mappings(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif _spelled(old) != _spelled(new):  # In Python, 1 equals True.
        yield Change("changed", path, old, new)


def _mappings(old: dict[str, Any], new: dict[str, Any], path: tuple[str, ...]) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        below = (*path, name)
        if name not in old:
            yield Change("added", below, new=new[name])
        elif name not in new:
            yield Change("removed", below, old[name])
        else:
            yield from changes(old[name], new[name], below)


def _lists(old: list[Any], new: list[Any], path: tuple[str, ...]) -> Iterator[Change]:
    key = _key(old, new)
    if key:
        one, two = _named(old, key), _named(new, key)
        yield from _mappings(one, two, path)
        before, after = list(one), list(two)
    else:
        before, after = [_spelled(item) for item in old], [_spelled(item) for item in new]
        yield from (Change("removed", path, json.loads(item)) for item in _without(before, after))
        yield from (Change("added", path, new=json.loads(item)) for item in _without(after, before))
    same = sorted(before) == sorted(after)
    if before != after and (same or _shared(before, after) != _shared(after, before)):
        yield Change("reordered", path, old, new)


def _shared(items: Sequence[str], others: Collection[str]) -> list[str]:
    """The items that are also in ``others``, each once, in the order of ``items``."""
    known = set(others)
    return [item for item in dict.fromkeys(items) if item in known]


def _key(old: list[Any], new: list[Any]) -> str | None:
    """The field that identifies the entries of both lists: its values are unique in each list. None without one."""
    if not all(isinstance(item, dict) for item in (*old, *new)):
        return None
    for key in ("name", "path", "source"):
        sides = [[item.get(key) for item in side] for side in (old, new)]
        if all(isinstance(name, str) for side in sides for name in side) and all(
            len(set(side)) == len(side) for side in sides
        ):
            return key
    return None


def _named(items: list[Any], key: str) -> dict[str, Any]:
    return {item[key]: {name: below for name, below in item.items() if name != key} for item in items}


def _spelled(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _without(items: Iterable[str], others: Iterable[str]) -> list[str]:
    """The multiset difference of ``items`` and ``others``."""
    spare = Counter(others)
    left = []
    for item in items:
        if spare[item]:
            spare[item] -= 1
        else:
            left.append(item)
    return left


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
