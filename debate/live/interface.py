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
    medium: str
    """The ISO's name: see `debate.live.medium`."""
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
    initrds: tuple[str, ...]
    """Paths of what makes up the initramfs, in their order."""
    arguments: tuple[str, ...]
    """Kernel arguments."""
    loopback: tuple[str, ...]
    """Lines of boot/grub/loopback.cfg. They set `iso_arguments`, more kernel arguments, by `iso_path`, where the file
    of the ISO is on another file system. See https://www.supergrubdisk.org/wiki/Loopback.cfg.
    """


@dataclass(frozen=True)
class Network:
    """How the live system is started over a network, from the same files on a server."""

    arguments: tuple[str, ...]
    """Kernel arguments in place of those of `Live`. ``{base}`` stands for the URL of the directory with the files; it
    ends with a slash, and may end with ``NAME/../``, since iPXE knows the URL of its script alone."""
    fetch: tuple[str, ...]
    """Paths at which the initramfs finds sandbox/layers/live-boot-fetch.sh, which a second one brings."""
    needs: Mapping[str, str]
    """What the initramfs must have: pattern of file names -> what that is, in words."""


class LiveSystem(Protocol):
    """A module of this package."""

    FINDERS: tuple[str, ...]
    """Names of the kernel arguments that `live` sets. A profile's own would come after them."""
    ENTRIES: Mapping[str, tuple[str, ...]]
    """Ready entry of the menu (`debate.live.ready`) -> the kernel arguments by which this live system does it."""
    ENCRYPTED: bool
    """True if it can open an encrypted device for `persistence`."""
    REFUSED: Mapping[str, tuple[str, str]]
    """Ready entry that it cannot have -> why, and what to do."""

    def persistence(self, label: str, encrypted: bool) -> tuple[str, ...]:
        """The kernel arguments by which it keeps what is written on a file system with ``label``."""

    def live(self, parts: LiveParts) -> Live:
        """The files in which the initramfs finds its images."""

    NETWORK: Network
