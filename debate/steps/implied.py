"""Packages that other fields than `packages` ask for, and which field does: its place is told if one cannot be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from debate import distributions
from debate.live import ready
from debate.profile.schema import field_name

if TYPE_CHECKING:
    from debate.errors import Complaint, Place
    from debate.profile.node import Node

Path = tuple[str | int, ...]
_ALWAYS: Path = ("distribution",)
"""The field of what every live system needs."""


def fields(profile: Mapping[str, Any]) -> dict[str, Path]:
    """Package -> the path of the first field that needs it. ``profile``: all fields with their defaults."""
    facts = distributions.get(profile["distribution"])
    found: dict[str, Path] = {profile["kernel"] or facts.default_kernel(profile["architecture"]): ("kernel",)}
    spoken = ready.named(profile).get("accessibility")
    if spoken is not None:
        found |= dict.fromkeys(facts.SPEECH, ("boot", "entries", spoken))
    for name, path in facts.implied(profile):
        found.setdefault(name, path or _ALWAYS)
    return found


class Blame:
    """Moves complaints about packages to the fields that ask for them."""

    def __init__(self, root: Node, profile: Mapping[str, Any]) -> None:
        self._root, self._kernel = root, profile["kernel"]
        self._named = {_name(word) for word in profile["packages"]}
        self._fields = fields(profile)
        self._paths: dict[str, Path] = {}
        """Name of a field in a complaint -> its path."""

    def moved(self, complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
        """``complaints``, those about packages that only another field asks for at that field."""
        return tuple(map(self._moved, complaints))

    def place(self, field: str) -> Place | None:
        """Where a field of a complaint is that was moved; None for others."""
        path = self._paths.get(field)
        return None if path is None else self._root.at(path).position

    def _moved(self, complaint: Complaint) -> Complaint:
        name = _name(complaint.value)
        path = self._fields.get(name)
        if complaint.field != "packages" or path is None or name in self._named:
            return complaint
        field = field_name(path)
        self._paths[field] = path
        if name == self._kernel:
            return replace(complaint, field=field)
        # The name is not the profile's, so there is nothing to correct in it.
        remedy = f"change or leave out what needs {name}, or name a repository that has it"
        return replace(complaint, field=field, fact=f"needs the package {name}: {complaint.fact}", remedy=remedy)


def _name(word: str) -> str:
    """The name in a word of `packages`: NAME, or NAME=VERSION."""
    return word.partition("=")[0]
