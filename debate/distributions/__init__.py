"""Distributions: one module with the facts of each, and the table of them."""

from __future__ import annotations

import importlib
import shutil
from functools import cache
from typing import TYPE_CHECKING

from debate.errors import DebateError
from debate.text.suggest import is_slip, one_of, suggest

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

BOOTSTRAPPERS = {"debian": "mmdebstrap", "arch": "pacman"}
"""Distribution -> the host program that makes a tools tree from its packages. The first one installed is used.

The task graph needs only this table and imports no distribution.
"""


def for_tools(choice: str) -> str:
    """The distribution of the tools tree: ``choice``, or for ``auto`` the first one that this host can bootstrap.

    Raises DebateError if the choice is not in the table.
    """
    if choice in BOOTSTRAPPERS:
        return choice
    if choice != "auto":
        remedy = one_of("value", ["auto", *BOOTSTRAPPERS])
        raise DebateError(f"unknown value {choice!r}", remedy, place="setting base")
    installed = (name for name, program in BOOTSTRAPPERS.items() if shutil.which(program))
    return next(installed, next(iter(BOOTSTRAPPERS)))


def require_keyring(name: str) -> None:
    """Raises DebateError unless the setting ``keyrings.NAME`` has an effect: where packages are signed one by one."""
    known = [one for one in BOOTSTRAPPERS if get(one).MANAGER == "pacman"]
    if name not in known:
        raise DebateError(f"there is no keyring {name!r}, so it would have no effect", suggest(name, known))


def misspelt_mirror(name: str) -> str:
    """The mirror that ``name`` is, but for one letter; empty if it is none, or one itself."""
    known: list[str] = []
    for one in BOOTSTRAPPERS:
        if name in (one, f"{one}-snapshot"):
            return ""  # The most frequent ones need no distribution to be imported.
        known += [one, f"{one}-snapshot", *getattr(get(one), "ARCHIVES", ())]
    return "" if name in known else next((each for each in known if is_slip(name, each)), "")


def choices(facts: Distribution) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Path of each field of which the schema has the values of all distributions -> those that this one has."""
    return {
        ("release",): facts.RELEASES,
        ("architecture",): facts.ARCHITECTURES,
        ("components",): facts.COMPONENTS,
        ("initrd", "generator"): facts.GENERATORS,
    }


def values(facts: Distribution) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Path of each field of a few values of which distributions have some -> those that this one has."""
    return {**choices(facts), ("boot", "secure"): (*(("distribution",) if facts.SIGNED else ()), "own", "none")}


@cache
def get(name: str) -> Distribution:
    """The distribution ``name``, imported on first use."""
    distribution: Distribution = importlib.import_module(f"debate.distributions.{name}")
    return distribution
