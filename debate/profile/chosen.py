"""A profile's fields with all defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debate import distributions, keys
from debate.profile.node import Profile
from debate.profile.schema import schema


def chosen(profile: Profile) -> dict[str, Any]:
    """All fields of a profile except `extends`, with the defaults of the schema and of the distribution.

    They are in the order of the schema.
    """
    data = with_defaults(schema(), profile.data)
    distribution = distributions.get(data["distribution"])
    data |= {
        "release": data["release"] or distribution.RELEASES[0],
        "architecture": data["architecture"] or distribution.ARCHITECTURES[0],
        "components": data["components"] or list(distribution.DEFAULT_COMPONENTS),
        "initrd": {**data["initrd"], "generator": data["initrd"]["generator"] or distribution.GENERATORS[0]},
    }
    return {field: data[field] for field in schema()["properties"] if field != "extends"}


def with_defaults(part: Mapping[str, Any], data: Any) -> Any:
    """``data`` with the defaults of the JSON schema ``part`` filled in, at every depth."""
    if isinstance(data, dict):
        filled = dict(data)
        for name, field in part.get("properties", {}).items():
            value = filled[name] if name in filled else field.get("default", filled)
            if value is not filled:
                filled[name] = with_defaults(field, value) if isinstance(value, dict | list) else value
        return filled
    if isinstance(data, list):
        return [with_defaults(part.get("items", {}), item) for item in data]
    return data


def with_sets_sorted(part: Mapping[str, Any], data: Any) -> Any:
    """``data`` with the lists that are sets (``x-set`` in the JSON schema ``part``) sorted and without duplicates.

    Entries with an ``x-key`` are sorted by it, text by code points.
    """
    if isinstance(data, dict):
        fields = part.get("properties", {})
        return {name: with_sets_sorted(fields.get(name, {}), value) for name, value in data.items()}
    if not isinstance(data, list):
        return data
    items = [with_sets_sorted(part.get("items", {}), item) for item in data]
    if not part.get("x-set"):
        return items
    different = {keys.canonical(item): item for item in items}
    return sorted(different.values(), key=lambda item: str(item[part["x-key"]] if "x-key" in part else item))
