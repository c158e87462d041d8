"""One module a distribution, and the table that finds them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

MODULES = {"debian": "debate.distributions.debian", "arch": "debate.distributions.arch"}
"""Name in a profile -> module that offers what `debate.distributions.interface` asks for."""


def get(name: str) -> Distribution:
    """The distribution ``name``, imported on first use."""
    distribution: Distribution = importlib.import_module(MODULES[name])
    return distribution
