"""What the store keeps, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Artifact:
    """A file in the cache."""

    digest: str
    """``sha256:HEX``."""
    size: int
    """Bytes."""
