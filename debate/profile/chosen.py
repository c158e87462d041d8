"""A profile's fields with every default written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debate import distributions, keys
from debate.profile.node import Profile
from debate.profile.schema import schema


def chosen(profile: Profile) -> dict[str, Any]:
    """All fields of a profile but `extends`, with the schema's defaults and what the distribution chooses.

    They are in the schema's order.
    """
    data = with_defaults(schema(), profile.data)
    distribution = distributions.get(data["distribution"])
    data |= {
        "release": data["release"] or distribution.RELEASES[0],
        "architecture": data["architecture"] or distribution.ARCHITECTURES[0],
        "components": data["components"] or list(distribution.DEFAULT_COMPONENTS),
        "initrd": {"generator": data["initrd"]["generator"] or distribution.GENERATORS[0]},
    }
    return {field: data[field] for field in schema()["properties"] if field != "extends"}


def with_defaults(part: Mapping[str, Any], data: Any) -> Any:
    """``data`` with the defaults of the JSON schema ``part`` written out, at every depth."""
    if isinstance(data, dict):
        filled = dict(data)
        for name, field in part.get("properties", {}).items():
            if name not in filled and "default" in field:
                filled[name] = field["default"]
            if name in filled:
                filled[name] = with_defaults(field, filled[name])
        return filled
    if isinstance(data, list):
        return [with_defaults(part.get("items", {}), item) for item in data]
    return data


def with_sets_sorted(part: Mapping[str, Any], data: Any) -> Any:
    """``data`` with the lists that the JSON schema ``part`` marks ``x-set`` sorted and without repetitions.

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
