"""The field `remove`: entries that lists of extended profiles have, and that a profile leaves out.

It has the same fields as a profile, down to those lists. An entry is named by what identifies it (``x-key`` of the
schema), by the name before a package's version, by the source of an overlay, by any name of a unit, or by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from debate.errors import Problem
from debate.profile.node import Node
from debate.profile.schema import schema
from debate.text import unit_name
from debate.text.printable import quoted
from debate.text.suggest import closest

FIELD = "remove"
_MOST_HINTS = 20
"""Names for which a similar one is looked for, which takes long in a long list."""


def without(parent: Node, removed: Node, extended: Collection[str], part: Mapping[str, Any] | None = None) -> Node:
    """``parent`` without the entries that ``removed`` names and that the files ``extended`` say.

    Without ``part``, its schema, it is a whole profile.
    """
    fields = (part or schema()).get("properties", {})
    value = dict(parent.value)
    for name, node in removed.value.items():
        own, field = value.get(name), fields.get(name, {})
        if own is None:
            continue
        if isinstance(node.value, dict) and isinstance(own.value, dict):
            value[name] = without(own, node, extended, field)
        elif isinstance(own.value, list):
            gone = {_full(item, name) for item in node.entries()}
            value[name] = own.with_value([
                item
                for item in own.value
                if item.position.file not in extended or gone.isdisjoint(_names(item, name, field))
            ])  # fmt: skip
    return parent.with_value(value)


def missing(parent: Node | None, removed: Node) -> Iterator[Problem]:
    """A problem for each entry that ``removed`` names and ``parent``, of which it takes them away, does not have."""
    for number, (node, path, known) in enumerate(_missing(parent, removed, schema(), FIELD)):
        like = closest(str(node.value), known) if number < _MOST_HINTS else None
        fact = f"{path}: no profile that this one extends has {quoted(str(node.value))}"
        yield Problem(node.position, fact, f"did you mean {like!r}?" if like else "leave it out")


def _missing(
    parent: Node | None, removed: Node, part: Mapping[str, Any], path: str
) -> Iterator[tuple[Node, str, list[str]]]:
    """Each such entry with its field, and the names that are there."""
    for name, node in removed.value.items() if isinstance(removed.value, dict) else ():
        own, field = parent.get(name) if parent else None, part.get("properties", {}).get(name, {})
        if isinstance(node.value, dict):
            yield from _missing(own, node, field, f"{path}.{name}")
            continue
        known = [each for item in (own.entries() if own else ()) for each in _names(item, name, field)]
        there = set(known)
        for item in node.entries():
            if not isinstance(item.value, (dict, list)) and _full(item, name) not in there:
                yield item, f"{path}.{name}", known


_UNITS = ("enable", "disable", "mask")


def _full(item: Node, field: str) -> str:
    """A name in `remove`, as it is compared."""
    return unit_name.full(str(item.value)) if field in _UNITS else str(item.value)


def _names(item: Node, field: str, part: Mapping[str, Any]) -> list[str]:
    """The names of an entry of a list."""
    node = item.get(part.get("x-key", "source")) or item
    if isinstance(node.value, (dict, list)):
        return []  # That is told elsewhere.
    text = _full(node, field)
    return [text, text.partition("=")[0]] if field == "packages" and "=" in text else [text]
