"""The facts in a distribution's module. Code outside of this package does not depend on a particular distribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from debate.entry import Made


@dataclass(frozen=True)
class LocaleParts:
    """Files, links and commands that set locale, keymap and time zone in a system."""

    made: list[Made]
    commands: list[list[str]]
    """Argument lists to run in the system afterwards."""
    checks: list[list[str]]
    """What the system must then have: words for the functions of sandbox/present.sh."""


Implied = tuple[str, tuple[str | int, ...]]
"""A package, and the path of the field that needs it; empty if every live system does."""


def of(packages: Iterable[str], *path: str | int) -> Iterator[Implied]:
    """All ``packages`` with the ``path`` of a field."""
    return ((package, path) for package in packages)


@dataclass(frozen=True)
class Networking:
    """The packages of a program that manages the network."""

    packages: tuple[str, ...]
    wifi: tuple[str, ...]
    """Those for wireless networks, in addition."""


def of_network(profile: Mapping[str, Any], networking: Mapping[str, Networking]) -> Iterator[Implied]:
    """What the field `network` of a profile takes."""
    network = profile["network"]
    if network != "none":
        yield from of(networking[network["manager"]].packages, "network")
        if network["wifi"]:
            yield from of(networking[network["manager"]].wifi, "network", "wifi")


class Distribution(Protocol):
    """See `debate.distributions.debian`. The first of several choices is the default."""

    NAME: str
    """The name in profiles, and of its main archive in settings and locks."""
    TITLE: str
    """The name in messages."""
    RELEASES: tuple[str, ...]
    ARCHITECTURES: tuple[str, ...]
    COMPONENTS: tuple[str, ...]
    """Parts of the distribution's archive."""
    DEFAULT_COMPONENTS: tuple[str, ...]
    GENERATORS: tuple[str, ...]
    """Generators of the initramfs."""
    TOOLS: Mapping[str, tuple[str, ...]]
    """Generator -> the packages that make its initramfs."""
    COMPRESSORS: Mapping[str, tuple[str, ...]]
    """How an initramfs is compressed -> the packages that do it."""
    LAYOUTS: Mapping[str, tuple[str, ...]]
    """Generator -> the packages that its initramfs takes the layout of a keyboard from."""
    NETWORK: Mapping[str, tuple[str, ...]]
    """Generator whose initramfs fetches a system over a network only if it is asked for -> the packages that do it."""
    LIVE: Mapping[str, str]
    """Generator -> the module of `debate.live` for its initramfs."""
    MANAGER: str
    """The module of `debate.managers` that handles its packages."""
    TOOLS_FROM: tuple[str, ...]
    """The distributions whose tools tree has the tools for this one."""
    RESERVED: tuple[str, ...]
    """Names that repositories of profiles must not have."""
    REPOSITORY_FIELDS: tuple[str, ...]
    """Fields of a profile's repository in addition to name, url and key."""
    RECOMMENDS: bool
    """True if its packages recommend others."""
    SNAPSHOTS_ARE_DAILY: bool
    """True if its dated mirrors have one state for each day."""
    PARTIAL_UPGRADES: bool
    """True if some packages can be upgraded without the others."""
    PURL: str
    """Type and namespace of its package URLs; see https://github.com/package-url/purl-spec."""

    SIGNED: Mapping[str, Mapping[str, tuple[str, str]]]
    """Architecture -> what starts with Secure Boot: its name in EFI/BOOT -> its package, and the path there."""
    MEMTEST: str
    """The package with memtest86+; empty where none can be unpacked alone."""

    SPEECH: tuple[str, ...]
    """Packages by which a system reads its console out: espeakup, and what lets sound cards be heard."""

    SSH_UNIT: str
    """The unit of its ssh server."""

    NETWORKING: Mapping[str, Networking]
    """What `network.manager` can be: systemd-networkd, then NetworkManager."""

    def memtest(self, release: str) -> Mapping[str, str]:
        """What starts memtest86+: an output of the step `boot`, by firmware -> the path in its package."""

    def default_kernel(self, architecture: str) -> str:
        """The package with the kernel."""

    def headers(self, kernel: str, version: str) -> str:
        """The package with what modules are built with: of the kernel ``version``, for which ``kernel`` was asked."""

    def implied(self, profile: Mapping[str, Any]) -> Iterator[Implied]:
        """Packages that a live system with these fields needs in addition to those in the profile, and which field."""

    def locale_parts(self, overlay: Mapping[str, Any]) -> LocaleParts:
        """Files, links and commands for the locale, keymap and time zone of a profile."""


class AptDistribution(Distribution, Protocol):
    """Further facts of a distribution whose `MANAGER` is apt."""

    ARCHIVES: Mapping[str, tuple[str, ...]]
    """Archive -> its suites, with ``{release}`` in them; the main archive is first."""
    ROLLING: tuple[str, ...]
    """Releases that have only the first suite of the main archive."""
    KEYRING: str
    """The file in the tools tree with the keys that sign the archives."""
    ORIGIN: str
    """The field Origin in the archives' Release files."""
    TOOLS_RELEASE: str
    """The release of the tools tree, independent of the host and the profile."""


class PacmanDistribution(Distribution, Protocol):
    """Further facts of a distribution whose `MANAGER` is pacman."""

    SERVER: str
    """The directory of a repository below a mirror's address, with pacman's variables ``$repo`` and ``$arch``."""
    HOST_MIRRORS: str
    """The file in which a host of this distribution lists its mirrors."""
    MKINITCPIO: str
    """mkinitcpio.conf of a live system's initramfs."""
