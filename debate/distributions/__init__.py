"""One module a distribution, and the table that finds them."""

from __future__ import annotations

import importlib
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

MODULES = {"debian": "debate.distributions.debian", "arch": "debate.distributions.arch"}
"""Name in a profile -> module that offers what `debate.distributions.interface` asks for."""

BOOTSTRAPPERS = {"debian": "mmdebstrap", "arch": "pacman"}
"""Distribution -> the program of the host that makes a sandbox base of its packages, the best first."""


def base(choice: str) -> str:
    """The distribution that the sandbox base is made of: ``choice``, or for ``auto`` the first that this host can."""
    if choice != "auto":
        return choice
    there = (name for name, program in BOOTSTRAPPERS.items() if shutil.which(program))
    return next(there, next(iter(BOOTSTRAPPERS)))


def get(name: str) -> Distribution:
    """The distribution ``name``, imported on first use."""
    distribution: Distribution = importlib.import_module(MODULES[name])
    return distribution
