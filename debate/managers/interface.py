"""What a package manager is asked, and what it answers. Nothing outside asks which one it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from debate.deferred import frozen

if TYPE_CHECKING:
    from debate.errors import Problem
    from debate.model import Artifact, Locked, Step, Supplies
    from debate.settings import Settings


@frozen
class Repository:
    """A repository of a profile. Distributions without ``suites`` and ``components`` ignore them."""

    name: str
    url: str
    key: str
    """The public key that signs it, armoured or binary; a character a byte (latin-1)."""
    suites: tuple[str, ...]
    components: tuple[str, ...]


@frozen
class Request:
    """The packages that a profile asks for: its slice ``lock``."""

    distribution: str
    release: str
    architecture: str
    components: tuple[str, ...]
    snapshot: str | None
    """The moment from which archives are taken, YYYYMMDDTHHMMSSZ; None for now."""
    repositories: tuple[Repository, ...]
    recommends: bool
    """Whether recommended packages are installed too."""
    packages: tuple[str, ...]
    base: str | None
    """The profile on whose packages these are installed."""


@frozen
class Target:
    """The system that is installed: a profile's slice ``rootfs``."""

    distribution: str
    release: str
    architecture: str
    exclude: tuple[str, ...]
    """Globs of files that packages have and the system does not."""
    mksquashfs: tuple[str, ...]
    """Options of mksquashfs(1)."""


@frozen
class Mirrors:
    """Where archives are, by name."""

    addresses: Mapping[str, str]
    """As a step sees them, without a slash at the end."""
    directories: Mapping[str, str]
    """Those that are directories of the host (``file://`` in settings and profiles)."""
    dated: bool = False
    """Whether they show the archives as they were at some moment."""


class Manager(Protocol):
    """A package manager with the facts of one distribution."""

    def base_step(self, packages: bytes) -> Step:
        """How the host's own tools make a sandbox base out of this distribution's packages.

        ``packages`` are their names, one a line. Outputs: base, packages.
        """

    def base_supplies(self, settings: Settings) -> Supplies:
        """What `base_step` needs where it runs: where the mirrors are. Raises DebateError."""

    def mirrors(self, settings: Settings, request: Request, mirror: str | None) -> Mirrors:
        """Where the archives for ``request`` are. ``mirror`` is the address that the profile names.

        Raises DebateError where no address is known, or one is malformed.
        """

    def reach_mirror(self, settings: Settings) -> str:
        """Ask the mirror from which the sandbox base is made for its index. Returns the mirror's address.

        Raises DebateError where it does not answer.
        """

    def trust(self, settings: Settings, request: Request) -> dict[str, bytes]:
        """Keys by which steps check packages, as files in /run/in. Raises DebateError."""

    def lock_step(self, request: Request, base: Artifact, installed: bytes = b"") -> Step:
        """Resolve the package list. Output: resolved.

        ``installed`` is the index of what lies below, which stays as it is; empty for nothing.
        """

    def lock_supplies(self, settings: Settings, request: Request, mirrors: Mirrors) -> Supplies:
        """What `lock_step` needs where it runs: mirrors, keyrings. Raises DebateError."""

    def read_resolved(self, resolved: str, mirrors: Mirrors) -> list[Locked]:
        """The packages that a lock step found. Raises DebateError for one that cannot be verified."""

    def explain_lock(self, log: str, request: Request) -> tuple[Problem, ...]:
        """The mistakes in ``request`` or with a mirror that made a lock step fail, as far as its log tells them."""

    def fetch_step(self, wanted: Sequence[Locked], base: Artifact) -> Step:
        """Download packages. Outputs: their SHA-256 as names."""

    def fetch_supplies(self, wanted: Sequence[Locked], mirrors: Mirrors) -> Supplies:
        """What `fetch_step` needs where it runs: addresses of the packages."""

    def explain_fetch(self, log: str, missing: Sequence[Locked]) -> str:
        """The fact that made a download fail, or an empty string."""

    def inspect_step(self, packages: Sequence[Locked], base: Artifact) -> Step:
        """Read the packages' metadata. Outputs: their SHA-256 as names."""

    def index(self, packages: Iterable[tuple[Locked, bytes]]) -> bytes:
        """The index of a local repository of packages, each with what `inspect_step` read."""

    def initrd_wanted(self, packages: Iterable[tuple[Locked, bytes]], generator: str) -> list[str]:
        """Names of the packages that matter to an initramfs, without their dependencies."""

    def select_step(self, index: bytes, wanted: Sequence[str], release: str, base: Artifact) -> Step:
        """Add the dependencies of ``wanted``. Output: selected, a name a line."""

    def rootfs_step(
        self, packages: Sequence[Locked], index: Artifact, target: Target, base: Artifact, epoch: int
    ) -> Step:
        """Install. Outputs: layer, packages."""

    def order_step(
        self, packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, base: Artifact
    ) -> Step | None:
        """Find the order in which ``packages`` are installed on those of the index ``below``. Output: plan.

        ``index`` has both. None where the package manager finds it while it installs.
        """

    def added_step(
        self,
        packages: Sequence[Locked],
        index: Artifact,
        plan: Artifact | None,
        target: Target,
        layers: Sequence[Artifact],
        base: Artifact,
        epoch: int,
    ) -> Step:
        """Install ``packages`` on ``layers``. Outputs: layer, packages (with those below)."""

    def initrd_step(self, packages: Sequence[Locked], generator: str, base: Artifact, epoch: int) -> Step:
        """Make the initramfs. Outputs: kernel, initrd."""
