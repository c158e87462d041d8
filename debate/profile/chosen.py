"""A profile's fields with all defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from debate import distributions, keys
from debate.profile.node import Profile
from debate.profile.profile_names import host_name
from debate.profile.schema import schema

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution


def chosen(profile: Profile) -> dict[str, Any]:
    """All fields of a profile except `extends` and `remove`, with the defaults of the schema and of the distribution.

    They are in the order of the schema.
    """
    data = _filled(_defaults(), profile.data)
    distribution = distributions.get(data["distribution"])
    data |= {
        "release": data["release"] or distribution.RELEASES[0],
        "architecture": data["architecture"] or distribution.ARCHITECTURES[0],
        "components": data["components"] or list(distribution.DEFAULT_COMPONENTS),
        "initrd": {**data["initrd"], "generator": data["initrd"]["generator"] or distribution.GENERATORS[0]},
        "hostname": data["hostname"] or host_name(profile.name),
        "network": _network(data, distribution),
    }
    return {field: data[field] for field in schema()["properties"] if field not in ("extends", "remove")}


def _network(data: Mapping[str, Any], distribution: Distribution) -> Any:
    """The field `network`: ``none``, or a mapping with its manager."""
    said = data["network"]
    if said == "none":
        return said
    found: dict[str, Any] = _filled(_defaults().below["network"], {} if said == "dhcp" else said)
    named = {word.partition("=")[0] for word in data["packages"]}
    usual, other = distribution.NETWORKING
    has_other = not named.isdisjoint(distribution.NETWORKING[other].packages)
    return {**found, "manager": found["manager"] or (other if has_other else usual)}


@dataclass(frozen=True)
class _Defaults:
    """Those of one value in the schema."""

    fields: Mapping[str, Any]
    """Field of a mapping -> its value if it is not there, with all defaults. Every profile has the very same values."""
    below: Mapping[str, _Defaults]
    """Those of the fields that have any."""
    items: _Defaults | None
    """Those of the items of a list, if they have any."""

    def __bool__(self) -> bool:
        return bool(self.fields or self.below or self.items)


@cache
def _defaults() -> _Defaults:
    return _defaults_of(schema())


def _defaults_of(part: Mapping[str, Any]) -> _Defaults:
    items = _defaults_of(part["items"]) if "items" in part else None
    fields = part.get("properties", {})
    below = {name: found for name, field in fields.items() if (found := _defaults_of(field))}
    absent = {
        name: _filled(below[name], field["default"]) if name in below else field["default"]
        for name, field in fields.items()
        if "default" in field
    }
    return _Defaults(absent, below, items or None)


def _filled(defaults: _Defaults, data: Any) -> Any:
    """``data`` with the defaults filled in, at every depth."""
    if isinstance(data, dict):
        filled = dict(data)
        for name, below in defaults.below.items():
            if name in filled:
                filled[name] = _filled(below, filled[name])
        for name, value in defaults.fields.items():
            filled.setdefault(name, value)
        return filled
    if isinstance(data, list) and defaults.items:
        return [_filled(defaults.items, item) for item in data]
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
