"""Distributions: one module with the facts of each, and the table of them."""

from __future__ import annotations

import importlib
import shutil
from typing import TYPE_CHECKING

from debate.errors import DebateError
from debate.text.suggest import one_of

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


def get(name: str) -> Distribution:
    """The distribution ``name``, imported on first use."""
    distribution: Distribution = importlib.import_module(f"debate.distributions.{name}")
    return distribution
