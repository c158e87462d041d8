"""What is installed in the layers of packages, held against the lock before it is believed, kept or sent.

The list is read in a sandbox where no program of the system runs, from a database to which scripts of packages could
write. All of the lock must be installed and configured, and nothing else: so what the manifest says was verified,
whatever a script does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debate.errors import Complaint, StepError
from debate.steps.listed import Listed

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.model import Artifact, Locked

_NAME, _VERSION = r"[A-Za-z0-9][A-Za-z0-9@+._-]{0,255}", r"[A-Za-z0-9.+:~_-]{1,255}"
_REMEDY = "a script of a package changed the package database; leave that package out"
_WHAT = "the list of what is installed"
_SYSTEM = Listed(
    _WHAT,
    re.compile(rf"({_NAME})\t({_VERSION})\t([a-z0-9_-]{{1,64}})\t({_NAME})\t({_VERSION})(?:\t([A-Za-z]{{2,3}}))?"),
    _REMEDY,
)
_TOOLS = Listed(_WHAT, re.compile(rf"({_NAME})\t({_VERSION})"), _REMEDY)
_STATES = {"H": "half-installed", "U": "not configured", "F": "half-configured", "W": "waiting for triggers",
           "t": "not done with its triggers"}  # fmt: skip
"""The second letter of dpkg's state, in words. Source: dpkg-query(1), ``db:Status-Abbrev``."""
_SHOWN = 20
"""Maximum number of packages that are named."""
_MORE = 1000
"""Packages more than the lock's that a list may have. They are told by name."""


@dataclass(frozen=True)
class Installed:
    """One line of a list."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str


def installed(store: Store, listed: Artifact, locked: Sequence[Locked]) -> list[Installed]:
    """The packages of a list, which are those of the lock. Raises StepError for any other list."""
    lines = [match.groups() for match in _SYSTEM.read(store, listed, len(locked) + _MORE)]
    found = [Installed(*words[:5]) for words in lines]
    versions = {(each.name, each.architecture): each.version for each in found}
    wanted = {package.identity: package.version for package in locked}
    complaints = []
    if len(versions) != len(found):
        complaints.append(Complaint("packages", "", "a package is installed twice", _REMEDY))
    for name, architecture in sorted(versions.keys() | wanted.keys()):
        has, should = versions.get((name, architecture)), wanted.get((name, architecture))
        if has != should:
            said = f"the system has {f'version {has}' if has else 'none'}, the lock {should or 'none'}"
            complaints.append(Complaint("packages", name, f"{name}:{architecture}: {said}", _REMEDY))
    for name, _, architecture, _, _, state in lines:
        if state:
            fact = f"{name}:{architecture}: it is {_STATES.get(state[1], f'in the state {state}')}"
            complaints.append(Complaint("packages", name, fact, "see the log for why, or leave it out"))
    if complaints:
        raise StepError("", complaints=complaints[:_SHOWN])
    return found


def tools(store: Store, listed: Artifact) -> Mapping[str, str]:
    """Name -> version of each package of a tools tree. Raises DebateError for a malformed list."""
    return {match[1]: match[2] for match in _TOOLS.read(store, listed)}
