"""A profile in memory: its values with their places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from debate.errors import Place


@dataclass(frozen=True)
class Node:
    """A value and its place."""

    value: Any
    """A scalar, a list of nodes, or a mapping of names to nodes."""
    position: Place
    raw: str = ""
    """The text of a scalar, without its quotes."""
    key: Place | None = None
    """The place of this value's name in its mapping."""
    directory: Path = Path()
    """Directory of the file; paths are relative to it."""

    def data(self) -> Any:
        """The value without places."""
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if isinstance(self.value, dict):
            return {name: node.data() for name, node in self.value.items()}
        return self.value

    @cached_property
    def size(self) -> int:
        """The number of values in it, itself included."""
        inner = self.value.values() if isinstance(self.value, dict) else self.entries()
        return 1 + sum(node.size for node in inner)

    def with_value(self, value: Any) -> Node:
        """The same node with another value. `dataclasses.replace` takes three times as long."""
        return Node(value, self.position, self.raw, self.key, self.directory)

    def at(self, path: Iterable[str | int]) -> Node:
        """The node at ``path``, or the nearest one above it."""
        node = self
        for step in path:
            try:
                node = node.value[step]
            except (KeyError, IndexError, TypeError):
                break
        return node

    def get(self, name: str) -> Node | None:
        """The field ``name`` of a mapping. None if it is missing, or this is not a mapping."""
        return self.value.get(name) if isinstance(self.value, dict) else None

    def entries(self) -> list[Node]:
        """The entries of a list; empty if this is not a list."""
        return self.value if isinstance(self.value, list) else []


@dataclass(frozen=True)
class Profile:
    """A profile merged with all that it extends."""

    name: str
    root: Node
    sources: tuple[Path, ...] = ()
    """All YAML files that were read, the profile's own first."""
    order: tuple[str, ...] = ()
    """The same as places name them, each after those that it wins over, so the profile's own is last."""

    @property
    def data(self) -> dict[str, Any]:
        """The fields in the files, without defaults."""
        data: dict[str, Any] = self.root.data()
        return data
