"""Live systems: where on the ISO the initramfs finds its images. One module a kind of initramfs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from debate import distributions

if TYPE_CHECKING:
    from debate.live.interface import LiveSystem


def get(distribution: str, generator: str) -> LiveSystem:
    """What an initramfs that ``generator`` makes looks for, imported on first use."""
    module: LiveSystem = importlib.import_module(f"debate.live.{distributions.get(distribution).LIVE[generator]}")
    return module
