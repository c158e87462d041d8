"""Profiles that nobody named and this host cannot build: `doit build` of all leaves them out, and tells why.

What is looked at is what a fresh clone lacks: an address of the distribution's archives, and tools for it. All else
that goes wrong with a profile is a failure, and so is this with one that the command line names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import distributions, managers
from debate.errors import DebateError, Place, Problem
from debate.profile import files, profile_names
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.settings import Settings


def left_out(settings: Settings, names: Iterable[str]) -> dict[str, Problem]:
    """Those of ``names`` that this host cannot build -> why."""
    lacking = {name for name in distributions.BOOTSTRAPPERS if _why(settings, {"distribution": name}) is not None}
    found = {name: why for name in (names if lacking else ()) if (why := _of_profile(settings, name, lacking))}
    return {name: why for name, why in found.items() if not _is_known(settings, name)}


def _of_profile(settings: Settings, name: str, lacking: set[str]) -> Problem | None:
    """Why this host cannot build a profile, or one of its bases; None if it can, or if the profile is broken."""
    for one in (name, *profile_names.chain(settings.profiles, name)):
        values = _values(settings.profiles, one)
        why = _why(settings, values) if values.get("distribution") in lacking else None
        if why is not None:
            of, own = files.where(settings.profiles, name)
            place = Place(str(Path(shown(of), f"{own}{profile_names.SUFFIX}")))
            return Problem(place, f"left out, since this host cannot build it: {why.fact}", why.remedy)
    return None


def _values(directory: Path, name: str) -> Mapping[str, Any]:
    """What a profile says; empty if it cannot be read, which its own step tells."""
    from debate.profile.chosen import chosen
    from debate.profile.load import load

    try:
        return chosen(load(directory, name))
    except DebateError:
        return {}


def _why(settings: Settings, values: Mapping[str, Any]) -> Problem | None:
    """What this host lacks for a profile with these values; None if it lacks nothing."""
    from debate.managers import shared

    name = values["distribution"]
    facts, tools = distributions.get(name), distributions.for_tools(settings.base)
    if tools not in facts.TOOLS_FROM:
        remedy = f"install {distributions.BOOTSTRAPPERS[name]} and set DEBATE_BASE={name}"
        return Problem(None, f"the tools of {tools} cannot build {name}", remedy)
    release = values.get("release") or facts.RELEASES[0]
    request = replace(shared.tools_request(facts, release), snapshot=values.get("snapshot"))
    mirror = values.get("mirror")
    try:
        managers.get(name).mirrors(settings, request, {name: mirror} if mirror else {})
    except DebateError as error:
        return error.problems[0]
    return None


def _is_known(settings: Settings, name: str) -> bool:
    """True if what a profile is built of may be here, or come from the remote, without any archive."""
    here = settings.output / name / "packages.json"
    return here.exists() or (
        bool(settings.remote) and os.path.lexists(profile_names.committed(settings.profiles, name))
    )
