"""Find the place of a complaint in a profile: steps know fields and values, but not lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from debate.errors import Place
from debate.profile.node import Node

_BETWEEN = re.compile(r"[\s:=,@]+")
"""What separates the parts of a value such as ``user:group`` or ``package=version``."""
_MOST_PARTS = 3
"""Parts of a value that are looked for by themselves."""


def find(root: Node, field: str, value: str) -> Place | None:
    """The place of ``value`` in the field ``field`` of the profile ``root``; None if the profile lacks the field.

    ``field`` is dotted and applies to all entries of a list: ``users.groups`` means the groups of all users. An empty
    ``value`` means the field itself. Otherwise the place is the first of these that exists, the last one of several:

    1. a scalar that equals ``value``, as it is written or as it is parsed;
    2. a scalar with ``value`` as a part: ``curl`` in ``curl=8.0``;
    3. the last part of ``value``, in the entry that has all its parts, or else as many of the first ones as possible:
       ``sodu`` of ``live:sodu`` in the user live;
    4. the field itself.
    """
    nodes = _fields(root, field.split("."))
    if not nodes:
        return None
    scalars = [scalar for node in nodes for scalar in _scalars(node)]
    parts = _parts(value)
    if len(parts) > _MOST_PARTS:  # Of a sandbox, which may say anything, and each costs a look at the whole field.
        parts = []
    found = [scalar for scalar in scalars if value and value in _spellings(scalar)]
    found = found or [scalar for scalar in scalars if value and value in _parts(scalar.raw)]
    while parts and not found:
        node = _narrowest(nodes, parts)
        last = parts.pop()
        found = [scalar for scalar in _scalars(node) if last in _spellings(scalar)] if node else []
    return (found or nodes)[-1].position


def _fields(node: Node, names: list[str]) -> list[Node]:
    """All nodes with this path of names."""
    if not names:
        return [node]
    if isinstance(node.value, list):
        return [found for child in node.value for found in _fields(child, names)]
    child = node.get(names[0])
    return _fields(child, names[1:]) if child else []


def _children(node: Node) -> list[Node]:
    return list(node.value.values()) if isinstance(node.value, dict) else node.entries()


def _scalars(node: Node) -> Iterator[Node]:
    if isinstance(node.value, (dict, list)):
        for child in _children(node):
            yield from _scalars(child)
    else:
        yield node


def _spellings(scalar: Node) -> set[str]:
    """A scalar as it is written and as it is parsed, as text, also for values such as ``true`` and ``1000``."""
    return {scalar.raw, scalar.value if isinstance(scalar.value, str) else json.dumps(scalar.value)}


def _parts(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text) if part]


def _narrowest(nodes: list[Node], parts: list[str]) -> Node | None:
    """The last of ``nodes`` whose scalars contain all ``parts``, or the innermost node in it that still does."""
    for node in reversed(nodes):
        if set(parts) <= {text for scalar in _scalars(node) for text in _spellings(scalar)}:
            return _narrowest(_children(node), parts) or node
    return None
