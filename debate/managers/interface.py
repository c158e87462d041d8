"""The interface of package managers. Code outside of this package does not depend on a particular one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from debate.deferred import frozen
from debate.entry import Entry

if TYPE_CHECKING:
    from debate.errors import DebateError
    from debate.model import Artifact, Locked, Step, Supplies
    from debate.settings import Settings


INDEX_BYTES = 64 << 20
"""Maximum size of the index of a profile's packages, and of what they were resolved to. 10,000 packages have ten."""
SECURITY = "-security"
"""What the name of an archive ends in that has nothing but corrections for security."""
STANZA_BYTES = 1 << 20
"""Maximum size of a package's metadata. The largest have some kilobytes."""


@frozen
class Repository:
    """A repository of a profile. Distributions without ``suites`` and ``components`` ignore them."""

    name: str
    key: str
    """The public keys that sign it, in binary form; one character per byte (latin-1)."""
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
    """The time of the archives' state to use, YYYYMMDDTHHMMSSZ; None for now."""
    repositories: tuple[Repository, ...]
    recommends: bool
    """True to install recommended packages, too."""
    packages: tuple[str, ...]
    """Names, or NAME=VERSION; each name once."""
    base: str | None
    """The base profile, on whose packages these are installed."""
    unpacked: tuple[str, ...] = ()
    """Names of packages of which the ISO has files, and that are not installed."""


@frozen
class Target:
    """The system that is installed: a profile's slice ``rootfs``."""

    distribution: str
    release: str
    architecture: str
    exclude: tuple[str, ...]
    """Globs of files that are not installed from packages."""
    mksquashfs: tuple[str, ...]
    """Options of mksquashfs(1)."""


@dataclass(frozen=True)
class Holds:
    """What a package has that matters to kernel and initramfs, by the names of its files."""

    initrd: bool = False
    """True if an initramfs may contain it."""
    kernels: tuple[str, ...] = ()
    """Versions of the kernels that it has, as ``uname -r`` prints them."""
    headers: tuple[str, ...] = ()
    """Versions of the kernels that modules can be built for with it."""
    dkms: bool = False
    """True if it has the source of modules that DKMS builds."""


@frozen
class Initramfs:
    """What a profile says of the initramfs."""

    distribution: str
    release: str
    architecture: str
    generator: str
    compression: str
    """Empty for what ``tree`` says, else zstd."""
    modules: tuple[str, ...]
    files: tuple[str, ...]
    """Paths in the system."""
    firmware: tuple[str, ...]
    """Patterns of paths below /usr/lib/firmware."""
    hooks: tuple[str, ...]
    """Names of the scripts that the generator runs."""
    network: bool
    """True if it must be asked to fetch the system over a network."""
    tree: tuple[Entry, ...]
    """Those scripts where it looks for them, and other files of the profile that it reads."""


@frozen
class Mirrors:
    """The locations of archives, by name."""

    addresses: Mapping[str, str]
    """Addresses as a step sees them, without a trailing slash."""
    directories: Mapping[str, str]
    """The archives that are directories of the host (``file://`` in settings, or of the host's own package manager)."""
    dated: bool = False
    """True if they have the state of the archives at a certain time."""
    public: tuple[str, ...] = ()
    """``HOST:PORT`` of those that a profile names."""
    trusted: tuple[str, ...] = ()
    """``HOST:PORT`` of those that the settings or the host's package manager name."""
    written: Mapping[str, str] = field(default_factory=dict)
    """The addresses as the user wrote them, but for passwords, where a step sees others."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Who named the address of an archive of the distribution, in words."""
    notes: tuple[str, ...] = ()
    """What should be said of the choice."""
    kept: Mapping[str, Artifact] = field(default_factory=dict)
    """Archive -> signed indexes that have its own, which are read instead of what is at its address."""

    @property
    def written_addresses(self) -> dict[str, str]:
        """The addresses as the user wrote them, but for passwords."""
        return {name: self.written.get(name, address) for name, address in self.addresses.items()}

    def keeping(self, kept: Mapping[str, Artifact]) -> Mirrors:
        """The same with ``kept`` indexes of some archives: a step has these in files, whatever their addresses are."""
        files, inside_of = list(dict.fromkeys(kept.values())), kept_directory()
        inside = {name: f"{inside_of}/{files.index(indexes)}/{name}" for name, indexes in kept.items()}
        written = {name: self.written.get(name, self.addresses[name]) for name in kept}
        addresses = {**self.addresses, **inside}
        return replace(self, addresses=addresses, written={**self.written, **written}, kept=kept)

    @property
    def kept_files(self) -> dict[str, Artifact]:
        """The files of `kept`, by their names in /run/in."""
        return {f"kept/{number}": one for number, one in enumerate(dict.fromkeys(self.kept.values()))}


def kept_directory() -> str:
    """Where a step unpacks `Mirrors.kept`, as apt's sources name it."""
    from debate.sandbox.image.environment import WORK  # noqa: PLC0415 - who loads the graph needs none of it

    return f"copy:{WORK}/kept"


@frozen
class Held:
    """What keeps its version in a lock of which only a part is refreshed."""

    packages: tuple[Locked, ...]
    security: bool
    """True if those of which a security archive has a newer version do not."""


class Manager(Protocol):
    """A package manager with the facts of one distribution."""

    def tools_step(self, packages: bytes) -> Step:
        """Make a tools tree from this distribution's packages, with the host's own tools.

        ``packages``: their names, one per line. Outputs: tools, packages.
        """

    def tools_supplies(self, settings: Settings) -> Supplies:
        """What `tools_step` needs from the host: the mirrors. Raises DebateError."""

    def mirrors(self, settings: Settings, request: Request, named: Mapping[str, str]) -> Mirrors:
        """The locations of all archives for ``request``. ``named``: archive -> the address in the profile.

        Raises DebateError if an address is unknown or malformed.
        """

    def dated(
        self, settings: Settings, request: Request, named: Mapping[str, str], moments: Mapping[str, str]
    ) -> Mirrors:
        """The same, with the dated states of the distribution's archives. ``moments``: archive -> YYYYMMDDTHHMMSSZ.

        Raises DebateError if no dated archive is known.
        """

    def reach_mirrors(self, settings: Settings) -> Iterator[str | DebateError]:
        """Request the index of each archive that the tools tree is made from: its address and what it has, in words.

        Those that do not answer are errors. Raises DebateError if no address is known.
        """

    def suites(self, request: Request) -> list[tuple[str, str]]:
        """Archive and suite of each index of which ``request`` is resolved."""

    def trust(self, settings: Settings, request: Request) -> dict[str, bytes]:
        """Keys with which steps verify packages, as files in /run/in. Raises DebateError."""

    def lock_step(self, request: Request, tools: Artifact, installed: bytes = b"", held: Held | None = None) -> Step:
        """Resolve the package list. Outputs: resolved; archives, lines of archive, suite and the date of its index; and
        if there are signed indexes, those of `indexes_step`, and remarks, lines for people.

        With packages to unpack also unpacked, in the form of resolved. ``installed``: the index of the base's packages,
        which stay unchanged; empty without a base. ``held``: what keeps its version, where an archive has it; None if
        all are chosen anew.
        """

    def index_keys(self, request: Request, mirrors: Mirrors) -> dict[str, str]:
        """Archive -> text that is the same for whoever reads the same indexes of it; empty without signed indexes."""

    def lock_supplies(self, settings: Settings, request: Request, mirrors: Mirrors) -> Supplies:
        """What `lock_step` needs from the host: mirrors, keyrings. Raises DebateError."""

    def read_resolved(self, lines: Iterable[str], mirrors: Mirrors) -> list[Locked]:
        """The packages in the lines of a lock step's output. Raises DebateError if one of them cannot be verified."""

    def indexes_step(self, request: Request, tools: Artifact) -> Step | None:
        """Download the archives' signed indexes, with the supplies of `lock_step`. Output: indexes.

        None if packages are signed one by one.
        """

    def proof_step(self, packages: Sequence[Locked], request: Request, settings: Settings, tools: Artifact) -> Step:
        """Prove that the keys of each package's own archive vouch for it. Output: proven, the input `wanted` again.

        A run also needs the file `remedy`, what to do about a package that is not proven, and if there is an
        `indexes_step`, its output. Raises DebateError if the keys that the settings name cannot be read.
        """

    def unfit(self, package: Locked, request: Request) -> tuple[str, str] | None:
        """The field of ``package`` that cannot be so in a lock for ``request``, and why; None if there is none."""

    def fetch_step(self, wanted: Sequence[Locked], tools: Artifact) -> Step:
        """Download packages. Outputs: their SHA-256 as names; and taken, lines of names and versions of those that are
        of a dated archive.
        """

    def fetch_supplies(
        self, wanted: Sequence[Locked], mirrors: Mirrors, remedy: str, dated: Sequence[Mirrors] = ()
    ) -> Supplies:
        """What `fetch_step` needs from the host: the addresses of the packages.

        ``remedy``: what to do if the mirror has other packages. ``dated``: where to look for those that it no longer
        has, one after the other.
        """

    def inspect_step(self, packages: Sequence[Locked], tools: Artifact) -> Step:
        """Read the packages' metadata. Outputs: their SHA-256 as names."""

    def fault(self, package: Locked, stanza: bytes) -> str:
        """What is wrong with the output of `inspect_step` for a package, in words; empty if nothing is.

        It is the package's own word, and goes into the cache and into indexes. So it must be one entry, be about this
        package, and have nothing in it but what the format allows.
        """

    def index(self, packages: Iterable[tuple[Locked, bytes]]) -> bytes:
        """The index of a local repository of packages, each given with its metadata from `inspect_step`."""

    def holds(self, stanza: bytes) -> Holds:
        """What a package has, by its metadata from `inspect_step`."""

    def is_index(self, index: bytes, packages: Sequence[Locked]) -> bool:
        """True if ``index``, whoever made it, is one as of `index` of these packages, in this order."""

    def initrd_wanted(self, packages: Iterable[tuple[Locked, bytes]], tools: Collection[str]) -> list[str]:
        """The packages that an initramfs may contain, without their dependencies, as `select_step` takes them.

        ``tools``: names of those that make it.
        """

    def select_step(self, index: bytes, wanted: Sequence[str], kernel: str, release: str, tools: Artifact) -> Step:
        """Add the dependencies of ``wanted``, and of the package ``kernel`` apart.

        Outputs: selected and kernel, the SHA-256 of each package on a line.
        """

    def rootfs_step(
        self, packages: Sequence[Locked], index: Artifact, kernel: str, target: Target, tools: Artifact, epoch: int
    ) -> Step:
        """Install. DKMS builds modules for ``kernel``, a version of `Holds`. Outputs: layer, packages, remarks."""

    def order_step(
        self, packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, tools: Artifact
    ) -> Step | None:
        """Find the order in which to install ``packages`` on those of the index ``below``. Output: plan.

        ``index`` has both. None if the package manager needs no plan.
        """

    def added_step(
        self,
        packages: Sequence[Locked],
        index: Artifact,
        plan: Artifact | None,
        kernel: str,
        target: Target,
        layers: Sequence[Artifact],
        tools: Artifact,
        epoch: int,
    ) -> Step:
        """Install ``packages`` on ``layers``. Outputs: layer, packages (including those of the layers), remarks."""

    def initrd_step(
        self,
        packages: Sequence[Locked],
        kernel: str,
        initramfs: Initramfs,
        modules: Artifact | None,
        tools: Artifact,
        epoch: int,
    ) -> Step:
        """Make the initramfs of ``kernel``, a version of `Holds`. Outputs: kernel, initrd, warnings.

        ``modules``: a tar archive with those that packages have as source; None without any.
        """
