"""Live systems: where the initramfs finds its images on the ISO. One module per kind of initramfs."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from debate import distributions

if TYPE_CHECKING:
    from debate.live.interface import LiveSystem


@cache
def get(distribution: str, generator: str) -> LiveSystem:
    """The module for initramfses made by ``generator``, imported on first use."""
    module: LiveSystem = importlib.import_module(f"debate.live.{distributions.get(distribution).LIVE[generator]}")
    return module
