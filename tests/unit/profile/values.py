"""Profiles made from the schema: each field of it, with values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from debate.profile.schema import named, schema


def write(directory: Path, **profiles: dict[str, Any]) -> None:
    """Profiles with these fields, and the files that they name."""
    for name, fields in profiles.items():
        files = [
            *fields.get("hooks", []),
            *fields.get("initrd", {}).get("hooks", []),
            *(repository["key"] for repository in fields.get("repositories", [])),
            *(file["source"] for file in fields.get("files", []) if "source" in file),
        ]
        for path in (directory / file for file in files):
            path.parent.mkdir(exist_ok=True)
            path.touch()
        for overlay in fields.get("overlays", []):
            (directory / overlay["source"]).mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.yaml").write_text(yaml.safe_dump({"version": 1, **fields}, sort_keys=False))


def fields(part: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Path and schema of every field at every depth; ``[]`` in a path stands for an entry of a list."""
    for name, field in part.get("properties", {}).items():
        below = (*path, name)
        yield below, field
        yield from fields(field, below)
        if "x-key" in field:
            yield from fields(field["items"], (*below, "[]"))


FIELDS = {".".join(path): (path, field) for path, field in fields(schema())}
"""Dotted name of each field -> its path and its schema."""


def three(field: dict[str, Any]) -> list[Any]:
    """Three values of a field, each different from the next; of mappings and lists of entries with a key empty ones."""
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if "array" in types:
        items = field["items"]
        if "x-key" in field:
            return [[], [], []]  # Its entries have fields of their own.
        if names := named(items.get("properties", {}).get("name", {})):
            return [[name] for name in names[:3]]
        if "properties" in items:
            return [[{**items["examples"][0], "target": f"/{number}"}] for number in (1, 2, 3)]
        return [[value] for value in three(items)]
    if "object" in types:
        return [{}, {}, {}]
    if "boolean" in types:
        return [True, False, True]
    if "integer" in types:
        return [field["minimum"] + number for number in (1, 2, 3)]
    if values := named(field):
        return (values * 3)[:3]
    example, pattern = field["examples"][0], field.get("pattern", "")
    near = (f"{example[:at]}{c}{example[at + 1 :]}" for at in reversed(range(len(example))) for c in "12345")
    return [text for text in near if re.search(pattern, text)][:3]


def placed(path: tuple[str, ...], value: Any, part: dict[str, Any]) -> Any:
    """A profile's fields with ``value`` at ``path``, and the required fields of each entry that it goes through."""
    if not path:
        return value
    if path[0] == "[]":
        items = part["items"]
        entry = {name: items["properties"][name]["examples"][0] for name in items["required"]}
        return [entry | placed(path[1:], value, items)]
    return {path[0]: placed(path[1:], value, part["properties"][path[0]])}
