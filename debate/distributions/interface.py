"""What a distribution's module has to offer. Nothing outside asks which distribution it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from debate.model import MIRROR, Artifact, Entry, Step
from debate.settings import Settings

Slice = Mapping[str, Any]
"""A step's part of the normalised config, as `debate.steps.config` writes it."""


@dataclass(frozen=True)
class Locked:
    """One package of a lock."""

    name: str
    version: str
    architecture: str
    repository: str
    """Name of the archive: the distribution's own, or a repository of the profile."""
    path: str
    """Below the archive's root."""
    size: int
    sha256: str
    signature: str = ""
    """A detached OpenPGP signature in base64, where packages are signed one by one."""

    def to_json(self) -> dict[str, Any]:
        """For a lock."""
        return {name: value for name, value in vars(self).items() if name != "signature" or value}

    @property
    def artifact(self) -> Artifact:
        return Artifact(f"sha256:{self.sha256}", self.size)


@dataclass(frozen=True)
class Mirrors:
    """Where archives are, by name."""

    addresses: Mapping[str, str]
    """As a step sees them, without a slash at the end."""
    directories: Mapping[str, str]
    """Those that are directories of the host (``file://`` in settings and profiles)."""
    dated: bool = False
    """Whether they show the archives as they were at some moment."""

    @classmethod
    def of(cls, addresses: Mapping[str, str], packages: Slice, settings: Settings) -> Mirrors:
        """The distribution's own ``addresses``, and the profile's repositories, where settings name no other."""
        own = {
            repository["name"]: settings.mirrors.get(repository["name"], repository["url"])
            for repository in packages["repositories"]
        }
        found = {**addresses, **own}
        directories = {n: a.removeprefix("file://") for n, a in found.items() if a.startswith("file://")}
        # copy: and not file:, for which apt makes no file where it is told to.
        found |= {name: f"copy:{MIRROR}/{name}" for name in directories}
        shown = {name: address.rstrip("/") for name, address in found.items()}
        return cls(shown, directories, bool(packages["snapshot"]))


@dataclass(frozen=True)
class LocaleParts:
    """What sets locale, keymap and time zone in a system."""

    files: list[tuple[Entry, bytes]]
    links: list[Entry]
    commands: list[list[str]]
    """Argument lists to run in the system afterwards."""
    checks: list[list[str]]
    """What the system must have then: words for the functions of sandbox/present.sh."""


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
    """Of the ISO."""
    epoch: int
    """Of the ISO, in seconds since 1970."""


@dataclass(frozen=True)
class Live:
    """How the live system is found and started."""

    tree: Mapping[str, Artifact | bytes]
    """Path on the ISO -> content."""
    kernel: str
    """Path of the kernel on the ISO."""
    initrd: str
    arguments: tuple[str, ...]


class Distribution(Protocol):
    """See `debate.distributions.debian`. Of what a profile can choose from, the first is the default."""

    RELEASES: tuple[str, ...]
    ARCHITECTURES: tuple[str, ...]
    COMPONENTS: tuple[str, ...]
    """Parts of the distribution's archive."""
    DEFAULT_COMPONENTS: tuple[str, ...]
    GENERATORS: tuple[str, ...]
    """What can make the initramfs."""
    BASES: tuple[str, ...]
    """The distributions whose sandbox base has the tools for this one."""
    RESERVED: tuple[str, ...]
    """Names that no repository of a profile can have."""
    REPOSITORY_FIELDS: tuple[str, ...]
    """What a repository of a profile has beside name, url and key."""
    PURL: str
    """Type and namespace of its packages' URLs; see https://github.com/package-url/purl-spec."""

    def default_kernel(self, architecture: str) -> str:
        """The package with the kernel."""

    def implied_packages(self, profile: Mapping[str, Any]) -> list[str]:
        """What a live system with these fields needs besides the profile's own packages."""

    def locale_parts(self, overlay: Slice) -> LocaleParts:
        """What sets locale, keymap and time zone."""

    def base_step(self, packages: bytes) -> Step:
        """How the host's own tools make a sandbox base out of this distribution's packages."""

    def base_from_mirrors(self, step: Step, settings: Settings) -> Step:
        """The same with the mirrors' addresses, which are looked for when it runs only."""

    def mirrors(self, settings: Settings, packages: Slice, mirror: str | None) -> Mirrors:
        """Where the archives of a profile are. ``mirror`` is the profile's own wish."""

    def reach_mirror(self, settings: Settings) -> str:
        """Ask the distribution's mirror for its index. Raises DebateError where it does not answer."""

    def trust(self, settings: Settings, packages: Slice) -> dict[str, bytes]:
        """Keys by which steps check packages, as files in /run/in. Raises DebateError."""

    def lock_step(self, packages: Slice, mirrors: Mirrors, base: Artifact, installed: bytes = b"") -> Step:
        """Resolve the package list. Output: resolved.

        ``installed`` is the index of what lies below, which stays as it is; empty for nothing.
        """

    def read_resolved(self, resolved: str, mirrors: Mirrors) -> list[Locked]:
        """What a lock step found."""

    def explain_lock(self, log: str, packages: Slice) -> str:
        """The user's mistake in a failed lock step, or an empty string."""

    def fetch_step(self, wanted: Sequence[Locked], mirrors: Mirrors, base: Artifact) -> Step:
        """Download packages. Outputs: their SHA-256 as names."""

    def explain_fetch(self, log: str, missing: Sequence[Locked]) -> str:
        """Why a download failed, or an empty string."""

    def inspect_step(self, packages: Sequence[Locked], base: Artifact) -> Step:
        """Read what the packages say of themselves. Outputs: their SHA-256 as names."""

    def index(self, packages: Iterable[tuple[Locked, bytes]]) -> bytes:
        """The index of a local repository of packages and what `inspect_step` read of each."""

    def initrd_wanted(self, packages: Iterable[tuple[Locked, bytes]], generator: str) -> list[str]:
        """Names of the packages that matter to an initramfs, without their dependencies."""

    def select_step(self, index: bytes, wanted: Sequence[str], release: str, base: Artifact) -> Step:
        """Add the dependencies of ``wanted``. Output: selected, a name a line."""

    def rootfs_step(
        self,
        packages: Sequence[Locked],
        index: Artifact,
        rootfs: Slice,
        base: Artifact,
        epoch: int,
    ) -> Step:
        """Install. Outputs: layer, packages."""

    def order_step(
        self, packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, base: Artifact
    ) -> Step | None:
        """In which order ``packages`` are installed on those of the index ``below``. Output: plan.

        ``index`` has both. None where that need not be asked.
        """

    def added_step(
        self,
        packages: Sequence[Locked],
        index: Artifact,
        plan: Artifact | None,
        rootfs: Slice,
        layers: Sequence[Artifact],
        base: Artifact,
        epoch: int,
    ) -> Step:
        """Install ``packages`` on ``layers``. Outputs: layer, packages (with those below)."""

    def initrd_step(self, packages: Sequence[Locked], generator: str, base: Artifact, epoch: int) -> Step:
        """Make the initramfs. Outputs: kernel, initrd."""

    def live(self, generator: str, parts: LiveParts) -> Live:
        """The live tree, and how it is started."""
