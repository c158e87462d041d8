"""Distributions: the facts of each in the module of its name, and the table that finds them."""

from __future__ import annotations

import importlib
import shutil
from typing import TYPE_CHECKING

from debate.errors import DebateError

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

BOOTSTRAPPERS = {"debian": "mmdebstrap", "arch": "pacman"}
"""Distribution -> the program of the host that makes a sandbox base of its packages. The first that is there is used.

A row is all that is known of a distribution before its module is imported: the task graph needs no more.
"""


def base(choice: str) -> str:
    """The distribution that the sandbox base is made of: ``choice``, or for ``auto`` the first that this host can.

    Raises DebateError for a choice that is not in the table.
    """
    if choice in BOOTSTRAPPERS:
        return choice
    if choice != "auto":
        known = ", ".join(("auto", *BOOTSTRAPPERS))
        raise DebateError(repr(choice), f"choose one of {known}", place="setting base")
    there = (name for name, program in BOOTSTRAPPERS.items() if shutil.which(program))
    return next(there, next(iter(BOOTSTRAPPERS)))


def get(name: str) -> Distribution:
    """The distribution ``name``, imported on first use."""
    distribution: Distribution = importlib.import_module(f"debate.distributions.{name}")
    return distribution
