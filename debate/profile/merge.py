"""Implements `extends`: merges one profile over another, and the later one wins.

By default the entries of a list are appended to those of the extended profile. The schema (`debate.profile.schema`) can
say otherwise: entries with the same ``x-key`` are merged; a list with ``x-replace`` replaces the other; an entry in a
mapping with ``x-units`` takes the place of all in its lists that name the same unit. What a profile leaves out of lists
is taken away before (`debate.profile.remove`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from debate.errors import Place, Problem
from debate.profile.node import Node
from debate.profile.schema import schema
from debate.text import unit_name


def merge(parent: Node, own: Node, part: Mapping[str, Any] | None = None) -> Node:
    """Merge ``own`` over ``parent``, two values of a field with the schema ``part``.

    Without ``part`` they are whole profiles.
    """
    part = schema() if part is None else part
    if isinstance(parent.value, dict) and isinstance(own.value, dict):
        fields = part.get("properties", {})
        value = _without_units(parent.value, own) if part.get("x-units") else dict(parent.value)
        for name, node in own.value.items():
            value[name] = merge(value[name], node, fields.get(name, {})) if name in value else node
        return own.with_value(value)
    if isinstance(parent.value, list) and isinstance(own.value, list) and not part.get("x-replace"):
        return own.with_value(_joined([*parent.value, *own.value], part))
    return own


def _without_units(lists: Mapping[str, Node], own: Node) -> dict[str, Node]:
    """``lists`` without the units that the lists of ``own`` name."""
    named = {unit_name.full(str(node.value)) for each in own.value.values() for node in each.entries()}

    def rest(node: Node) -> Node:
        return node.with_value([item for item in node.entries() if unit_name.full(str(item.value)) not in named])

    return {name: rest(node) if node.entries() else node for name, node in lists.items()}


def _joined(nodes: list[Node], part: Mapping[str, Any]) -> list[Node]:
    """The entries in order; an entry with the same key as an earlier one is merged over it."""
    found: dict[str | int, Node] = {}
    for number, node in enumerate(nodes):
        key = _key(node, part)
        index = number if key is None else key.value
        found[index] = merge(found[index], node, part.get("items", {})) if index in found else node
    return list(found.values())


def _key(node: Node, part: Mapping[str, Any]) -> Node | None:
    """The value that identifies an entry of a list with the schema ``part``, if it has one."""
    key = node.get(part["x-key"]) if "x-key" in part else None
    return key if key is not None and isinstance(key.value, str) else None


def duplicates(root: Node, above: Mapping[str, Any] | None = None, name: str = "") -> Iterator[Problem]:
    """List entries with the same key in one file, which is a mistake. Of two files, the later one wins.

    ``root`` is a file, or the mapping ``name`` in one, with the schema ``above``.
    """
    for own, part in (above or schema()).get("properties", {}).items():
        node, field = root.get(own), f"{name}{own}"
        if node and "x-key" not in part:
            yield from duplicates(node, part, f"{field}.")
            continue
        seen: dict[str, Place] = {}
        for item in node.entries() if node else []:
            key = _key(item, part)
            if key is None:
                continue
            if key.value in seen:
                fact = f"{field}: duplicate {part['x-key']} {key.value!r}, first on line {seen[key.value].line}"
                yield Problem(key.position, fact, "keep one")
            seen.setdefault(key.value, key.position)
