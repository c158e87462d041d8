"""What a live system is made of, and what it says about how it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from debate.model import Artifact


@dataclass(frozen=True)
class LiveParts:
    """What a live tree is made of."""

    kernel: Artifact
    initrd: Artifact
    layers: Sequence[tuple[str, Artifact]]
    """Name and image, the lowest first."""
    sha512: Callable[[Artifact], str]
    """The SHA-512 of an image in hex digits."""
    label: str
    """The ISO's volume label."""
    epoch: int
    """The ISO's SOURCE_DATE_EPOCH, in seconds since 1970."""


@dataclass(frozen=True)
class Live:
    """How the live system is found and started."""

    tree: Mapping[str, Artifact | bytes]
    """Path on the ISO -> content."""
    kernel: str
    """Path of the kernel on the ISO, with a slash in front."""
    initrd: str
    arguments: tuple[str, ...]
    """For the kernel's command line."""


class LiveSystem(Protocol):
    """A module of this package."""

    def live(self, parts: LiveParts) -> Live:
        """The tree in which the initramfs finds its images."""
