"""Where in a profile stands what a step complains of: a step knows fields and values, not lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debate.profile.profile import Node

_COMPLAINT = re.compile(r"^(  > debate: |lock:\S+: |)([a-z]+): ([^;\n]*)", re.MULTILINE)
"""``FIELD: fact; remedy``, in a log's line that is shown or in a step's own error."""


def placed(text: str, root: Node) -> str:
    """``text`` with file, line and column before each complaint of a field of the profile ``root``."""

    def place(match: re.Match[str]) -> str:
        before, field, fact = match.groups()
        node = root.value.get(field)
        if node is None:
            return match[0]
        return f"{before}{_of(node, fact).position}: {field}: {fact}"

    return _COMPLAINT.sub(place, text)


def _of(node: Node, fact: str) -> Node:
    """The value below ``node`` that ``fact`` names last; ``node`` where it names none.

    It names the user before the group of theirs that is wrong.
    """
    named = {found.start(): scalar for scalar in _scalars(node) if (found := _word(scalar.value, fact))}
    return named[max(named)] if named else node


def _word(word: str, fact: str) -> re.Match[str] | None:
    return re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w/-])", fact)


def _scalars(node: Node) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for child in node.value.values():
            yield from _scalars(child)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from _scalars(child)
    elif isinstance(node.value, str) and node.value:
        yield node
