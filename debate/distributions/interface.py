"""The facts that a distribution's module states. Nothing outside asks which distribution it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from debate.entry import Entry


@dataclass(frozen=True)
class LocaleParts:
    """What sets locale, keymap and time zone in a system."""

    files: list[tuple[Entry, bytes]]
    links: list[Entry]
    commands: list[list[str]]
    """Argument lists to run in the system afterwards."""
    checks: list[list[str]]
    """What the system must have then: words for the functions of sandbox/present.sh."""


class Distribution(Protocol):
    """See `debate.distributions.debian`. Where a profile can choose, the first is the default."""

    NAME: str
    """As profiles write it. Settings and locks call its main archive the same."""
    TITLE: str
    """As messages write it."""
    RELEASES: tuple[str, ...]
    ARCHITECTURES: tuple[str, ...]
    COMPONENTS: tuple[str, ...]
    """Parts of the distribution's archive."""
    DEFAULT_COMPONENTS: tuple[str, ...]
    GENERATORS: tuple[str, ...]
    """What can make the initramfs."""
    TOOLS: Mapping[str, tuple[str, ...]]
    """Generator -> the packages that an initramfs of it is made with."""
    LIVE: Mapping[str, str]
    """Generator -> the module of `debate.live` that says where its initramfs looks."""
    MANAGER: str
    """The module of `debate.managers` that handles its packages."""
    BASES: tuple[str, ...]
    """The distributions whose sandbox base has the tools for this one."""
    RESERVED: tuple[str, ...]
    """Names that no repository of a profile can have."""
    REPOSITORY_FIELDS: tuple[str, ...]
    """What a repository of a profile has besides name, url and key."""
    PURL: str
    """Type and namespace of its packages' URLs; see https://github.com/package-url/purl-spec."""

    def default_kernel(self, architecture: str) -> str:
        """The package with the kernel."""

    def implied_packages(self, profile: Mapping[str, Any]) -> list[str]:
        """What a live system with these fields needs besides the profile's own packages."""

    def locale_parts(self, overlay: Mapping[str, Any]) -> LocaleParts:
        """What sets the locale, keymap and time zone that a profile chose."""


class AptDistribution(Distribution, Protocol):
    """What a distribution states as well if its `MANAGER` is apt."""

    ARCHIVES: Mapping[str, tuple[str, ...]]
    """Archive -> its suites, with ``{release}`` in them; the main archive comes first."""
    ROLLING: tuple[str, ...]
    """Releases that have the first suite of the main archive only."""
    KEYRING: str
    """The file in the sandbox base whose keys sign the archives."""
    ORIGIN: str
    """The field Origin of the archives' Release files."""
    BASE_RELEASE: str
    """The release that the sandbox base is made of, whatever the host or the profile is."""


class PacmanDistribution(Distribution, Protocol):
    """What a distribution states as well if its `MANAGER` is pacman."""

    SERVER: str
    """The directory of a repository below a mirror's address, with pacman's ``$repo`` and ``$arch``."""
    HOST_MIRRORS: str
    """The file in which a host of this distribution lists its mirrors."""
    MKINITCPIO: str
    """mkinitcpio.conf of a live system's initramfs."""
