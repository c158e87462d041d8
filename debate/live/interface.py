"""The parts of a live system, and how it is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from debate.model import Artifact


@dataclass(frozen=True)
class LiveParts:
    """The parts of a live system."""

    kernel: Artifact
    initrd: Artifact
    layers: Sequence[tuple[str, Artifact]]
    """Name and image, the lowest first."""
    sha512: Callable[[Artifact], str]
    """Returns the SHA-512 of an image in hex digits."""
    label: str
    """The ISO's volume label."""
    epoch: int
    """The ISO's SOURCE_DATE_EPOCH, in seconds since 1970."""
    architecture: str
    """The profile's name of it: see `debate.machines`."""


@dataclass(frozen=True)
class Live:
    """The files on the ISO, and how the live system is started."""

    tree: Mapping[str, Artifact | bytes]
    """Path on the ISO -> content."""
    kernel: str
    """Path of the kernel on the ISO, with a leading slash."""
    initrd: str
    arguments: tuple[str, ...]
    """Kernel arguments."""


class LiveSystem(Protocol):
    """A module of this package."""

    FINDERS: tuple[str, ...]
    """Names of the kernel arguments that `live` sets. A profile's own would come after them."""

    def live(self, parts: LiveParts) -> Live:
        """The files in which the initramfs finds its images."""
