"""Manages packages of Arch Linux: pacman resolves and installs; apt's methods, which every tools tree has, download.

Sources: pacman(8), pacman.conf(5), pacman-key(8), alpm-db-desc and alpm-pkginfo (https://alpm.archlinux.page).
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from types import MappingProxyType
from typing import Final

from debate.distributions.interface import PacmanDistribution
from debate.errors import DebateError
from debate.host.run import run
from debate.managers import shared
from debate.managers.interface import STANZA_BYTES, Held, Holds, Initramfs, Manager, Mirrors, Request, Target
from debate.model import Artifact, Command, Locked, Step, Supplies
from debate.sandbox.image.lines import as_lines
from debate.settings import MIRROR_ADDRESS, Settings, keyring_variable, mirror_variable

_ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=15).headers['Last-Modified'])"
"""Python that prints the date of what is at an address, and fails if that is unavailable."""
_LOCAL = b"[debate]\nServer = file:///run/in/packages\n"
"""The locked packages as a repository."""
_FORMAT: Final = tarfile.PAX_FORMAT
"""Of a database. A name in it has no maximum length."""
_DESC = ("NAME", "VERSION", "BASE", "ARCH", "ISIZE", "REPLACES", "CONFLICTS", "PROVIDES", "DEPENDS")
"""The sections that sandbox/arch/read.pl writes."""
_VERSION = re.compile(r"(?:[0-9]{1,9}:)?[A-Za-z0-9.+~_]{1,255}-[0-9]{1,9}(?:\.[0-9]{1,9})?")
"""See PKGBUILD(5). Without another hyphen, so that NAME-VERSION, which names entries of databases, has one meaning."""
_SUFFIX = re.compile(r"\.pkg\.tar(?:\.(?:gz|bz2|xz|zst|lrz|lzo|Z|lz4|lz))?")
"""What follows in the name of a package's file: see PKGEXT in makepkg.conf(5)."""


def manager(facts: PacmanDistribution) -> Manager:
    return Pacman(facts)


@dataclass(frozen=True)
class Pacman:
    """See `debate.managers.interface.Manager`."""

    facts: PacmanDistribution

    # The tools tree and the mirrors --------------------------------------------------------------

    def tools_step(self, packages: bytes) -> Step:
        return Step(
            name="sandbox",
            commands=(
                Command("arch/tools.sh", rights="tools"),
                Command("arch/pack-tools.sh", root="made", show_left=True),
            ),
            outputs=("tools", "packages"),
            epoch=shared.EPOCH,
            parameters={"architecture": self.facts.ARCHITECTURES[0].encode(), "packages": packages},
        )

    def tools_supplies(self, settings: Settings) -> Supplies:
        request = shared.tools_request(self.facts, self.facts.RELEASES[0])
        return self._supplies(settings, request, self.mirrors(settings, request, {}))

    def mirrors(self, settings: Settings, request: Request, named: Mapping[str, str]) -> Mirrors:
        """From the settings, else the profile, else the host's own pacman."""
        name = self.facts.NAME
        if request.snapshot:
            address = ours = self._dated(settings, request.snapshot)
            origin = ""
        else:
            ours, address, origin = self._host_mirror(), settings.mirrors.get(name, ""), mirror_variable(name)
            if not address:
                address, origin = shared.of_profile(name, named) or "", "the profile"
            if not address:
                address, origin = ours, self.facts.HOST_MIRRORS
        if not address:
            below = self._directory(self.facts.DEFAULT_COMPONENTS[0])
            raise DebateError(
                f"no {self.facts.TITLE} mirror is known",
                f"set {mirror_variable(name)} to its address, the directory that contains {below}/",
            )
        made = shared.mirrors({name: address}, request, settings, named, [ours])
        return replace(made, origins={name: origin} if origin else {})

    def _dated(self, settings: Settings, moment: str) -> str:
        return shared.dated_mirror(settings, self.facts, moment, date=f"{moment[:4]}/{moment[4:6]}/{moment[6:8]}")

    def dated(
        self, settings: Settings, request: Request, named: Mapping[str, str], moments: Mapping[str, str]
    ) -> Mirrors:
        address = self._dated(settings, max(moments.values()))
        made = shared.mirrors({self.facts.NAME: address}, request, settings, named, [address])
        return replace(made, dated=True)

    def reach_mirrors(self, settings: Settings) -> Iterator[str | DebateError]:
        request = shared.tools_request(self.facts, self.facts.RELEASES[0])
        found = self.mirrors(settings, request, {})
        component, said = request.components[0], ""

        def download(address: str) -> None:
            nonlocal said
            said = run(shared.bounded([sys.executable, "-c", _ASK, address])).strip()

        name, index = self.facts.NAME, f"{self._directory(component)}/{component}.db"
        try:
            address = shared.reach(found, name, index, download)
            if name in found.directories:
                said = formatdate(Path(found.directories[name], index).stat().st_mtime, usegmt=True)
        except DebateError as error:
            yield error
            return
        except OSError as error:
            remedy = f"set {mirror_variable(name)} to the directory that has it"
            yield DebateError(f"{error.filename}: {error.strerror}", remedy, place=f"mirror {name}")
            return
        date = f"of {said}" if re.fullmatch("[A-Za-z0-9:, ]{1,64}", said) and said != "None" else "without a date"
        yield f"{name}: {address} answers, {component} {date}; {found.origins[name]} names it"

    def _directory(self, component: str) -> str:
        """A repository's directory below a mirror's address."""
        return self.facts.SERVER.replace("$repo", component).replace("$arch", self.facts.ARCHITECTURES[0])

    def _host_mirror(self) -> str:
        """The first of the host's own mirrors, without the `SERVER` part of its address; empty if there is none."""
        try:
            text = Path(self.facts.HOST_MIRRORS).read_text()
        except OSError:
            return ""
        match = re.search(
            rf"^[ \t]*Server[ \t]*=[ \t]*({MIRROR_ADDRESS})/{re.escape(self.facts.SERVER)}[ \t]*$", text, re.MULTILINE
        )
        return match[1] if match else ""

    def _repositories(self, request: Request, addresses: Mapping[str, str]) -> bytes:
        """Sections of pacman.conf. Repositories of the profile come first, so pacman prefers them."""
        servers = _servers(addresses)
        sections = []
        for repository in request.repositories:
            sections += [f"[{repository.name}]", f"Server = {servers[repository.name]}"]
        for name in self.facts.COMPONENTS:
            if name in request.components:
                sections += [f"[{name}]", f"Server = {servers[self.facts.NAME]}/{self.facts.SERVER}"]
        return as_lines(sections)

    def suites(self, request: Request) -> list[tuple[str, str]]:
        own = [(self.facts.NAME, name) for name in self.facts.COMPONENTS if name in request.components]
        return [*own, *((repository.name, repository.name) for repository in request.repositories)]

    def trust(self, settings: Settings, request: Request) -> dict[str, bytes]:
        """Keyrings. They are part of no step's key but that of a proof: they do not change the content of packages."""
        found = {f"keys/{repository.name}": repository.key.encode("latin-1") for repository in request.repositories}
        path = settings.keyrings.get(self.facts.NAME)
        if path:
            try:
                found["keyring"] = Path(path).read_bytes()
            except OSError as error:
                remedy = f"set {keyring_variable(self.facts.NAME)} to a file with the keys"
                raise DebateError(error.strerror or str(error), remedy, place=path) from None
        return found

    # Which packages --------------------------------------------------------------------------------

    def lock_step(self, request: Request, tools: Artifact, installed: bytes = b"", held: Held | None = None) -> Step:
        if held is not None:  # `steps.lock` refuses that before.
            raise ValueError("pacman keeps no versions")
        return Step(
            name="lock",
            commands=(Command("arch/lock.sh", rights="fetch"),),
            outputs=("resolved", "archives"),
            epoch=shared.EPOCH,
            parameters={
                "architecture": request.architecture.encode(),
                "packages": as_lines(request.packages),
                "installed": installed,
            },
            tools=tools,
        )

    def index_keys(self, request: Request, mirrors: Mirrors) -> dict[str, str]:
        return {}

    def lock_supplies(self, settings: Settings, request: Request, mirrors: Mirrors) -> Supplies:
        more = {
            "system": request.distribution.encode(),
            "base": (request.base or "").encode(),
            "suites": as_lines(map(" ".join, self.suites(request))),
        }
        return self._supplies(settings, request, mirrors, more)

    def _supplies(
        self, settings: Settings, request: Request, mirrors: Mirrors, more: Mapping[str, bytes] = MappingProxyType({})
    ) -> Supplies:
        """The repositories and their keyrings, and ``more`` files."""
        repositories = self._repositories(request, mirrors.addresses)
        files = {"repositories": repositories, **more, **self.trust(settings, request)}
        return Supplies(files=files, mirrors=mirrors.directories, reach=shared.reach_of(mirrors))

    def read_resolved(self, lines: Iterable[str], mirrors: Mirrors) -> list[Locked]:
        """Parse the output of lock.sh, lines of: name, version, repository, location, size, SHA-256, signature, bytes
        when installed, other repositories that have a package of this name.
        """
        found = []
        for line in lines:
            name, version, _, location, size, sha256, signature, installed, also = [*line.split("\t"), *[""] * 9][:9]
            if not re.fullmatch(r"[0-9a-f]{64}", sha256):
                raise DebateError(
                    f"the database has no SHA-256 for {name}, so it is refused", "use another mirror", place="pacman"
                )
            if not signature:
                raise DebateError(
                    f"{name} {version} is not signed, so it is refused", "use another mirror", place="pacman"
                )
            if not re.fullmatch(r"[1-9][0-9]{0,15}", size):
                raise DebateError(f"{name} has no size, so it is refused", "use another mirror", place="pacman")
            archive, path = shared.archive_of(location, _servers(mirrors.addresses), "pacman")
            architecture = re.sub(r"\.pkg\.tar(\.[a-z0-9]+)?$(?!\n)", "", location).rpartition("-")[2]
            more = int(installed) if re.fullmatch(r"[0-9]{1,12}", installed) else 0
            one = Locked(name, version, architecture, archive, path, int(size), sha256, signature, installed=more)
            if archive != self.facts.NAME and not {*also.split(",")}.isdisjoint(self.facts.COMPONENTS):
                one = replace(one, replaces=self.facts.NAME)
            found.append(one)
        return sorted(found, key=lambda package: package.identity)

    def indexes_step(self, request: Request, tools: Artifact) -> None:
        return None

    def proof_step(self, packages: Sequence[Locked], request: Request, settings: Settings, tools: Artifact) -> Step:
        return Step(
            name="proof",
            commands=(Command("arch/prove.sh", rights="apart"),),
            outputs=("proven",),
            epoch=shared.EPOCH,
            parameters={
                "wanted": shared.proven(packages),
                "architecture": request.architecture.encode(),
                "repositories": b"",
                **self.trust(settings, request),
                **_signatures(packages),
            },
            inputs=_files(packages),
            tools=tools,
        )

    def unfit(self, package: Locked, request: Request) -> tuple[str, str] | None:
        if not package.signature:
            return "signature", "it is missing, so nobody signed the package"
        if not _VERSION.fullmatch(package.version):
            return "version", "it is not VERSION-RELEASE or EPOCH:VERSION-RELEASE"
        named = f"{package.name}-{package.version}-{package.architecture}"
        file = package.path.rpartition("/")[2]
        if not file.startswith(named) or not _SUFFIX.fullmatch(file.removeprefix(named)):
            return "path", "it is not named by its name, version and architecture"
        return shared.unfit(package, request, (self.facts.NAME,), "any")

    def fetch_step(self, wanted: Sequence[Locked], tools: Artifact) -> Step:
        return shared.fetch_step(wanted, tools)

    def fetch_supplies(
        self, wanted: Sequence[Locked], mirrors: Mirrors, remedy: str, dated: Sequence[Mirrors] = ()
    ) -> Supplies:
        return shared.fetch_supplies(wanted, mirrors, remedy, dated)

    def inspect_step(self, packages: Sequence[Locked], tools: Artifact) -> Step:
        return shared.inspect_step("arch/inspect.sh", packages, tools)

    def fault(self, package: Locked, stanza: bytes) -> str:
        try:
            found = _sections(stanza)
        except ValueError as error:
            return str(error)
        for name, value in (("NAME", package.name), ("VERSION", package.version), ("ARCH", package.architecture)):
            if found.get(name) != [value]:
                return f"its {name.lower()} is not {value}"
        return ""

    def index(self, packages: Iterable[tuple[Locked, bytes]]) -> bytes:
        """A pacman database: a tar file of NAME-VERSION/desc."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=_FORMAT) as tar:
            for package, stanza in packages:
                desc = _own_sections(package) + stanza.partition(b"\n")[2]
                directory, file = _entries(package, len(desc))
                tar.addfile(directory)
                tar.addfile(file, io.BytesIO(desc))
        return data.getvalue()

    def holds(self, stanza: bytes) -> Holds:
        return shared.holds(stanza.partition(b"\n")[0].decode(errors="replace").removeprefix("#").split())

    def is_index(self, index: bytes, packages: Sequence[Locked]) -> bool:
        start = 0
        for package in packages:
            own = _own_sections(package)
            head = sum(len(entry.tobuf(_FORMAT)) for entry in _entries(package, 0))
            digits = re.fullmatch(rb"([0-7]{11})\0", index[start + head - tarfile.BLOCKSIZE : start + head][124:136])
            size = int(digits[1], 8) if digits else 0
            if not len(own) <= size <= len(own) + STANZA_BYTES:
                return False
            expected = b"".join(entry.tobuf(_FORMAT) for entry in _entries(package, size)) + own
            end = start + head + size
            if not index.startswith(expected, start) or self.fault(
                package, b"#\n" + index[start + len(expected) : end]
            ):
                return False
            start = end + -size % tarfile.BLOCKSIZE
            if index[end:start].strip(b"\0"):
                return False
        rest = 2 * tarfile.BLOCKSIZE
        rest += -(start + rest) % tarfile.RECORDSIZE
        return index[start:] == bytes(rest)

    def initrd_wanted(self, packages: Iterable[tuple[Locked, bytes]], tools: Collection[str]) -> list[str]:
        return sorted(
            package.name for package, stanza in packages if package.name in tools or self.holds(stanza).initrd
        )

    def select_step(self, index: bytes, wanted: Sequence[str], kernel: str, release: str, tools: Artifact) -> Step:
        return Step(
            name="select",
            commands=(Command("arch/select.sh"),),
            outputs=("selected", "kernel"),
            epoch=shared.EPOCH,
            parameters={
                "index": index,
                "wanted": as_lines(wanted),
                "kernel": kernel.encode(),
                "architecture": self.facts.ARCHITECTURES[0].encode(),
                "repositories": _LOCAL,
            },
            tools=tools,
        )

    # Installing ------------------------------------------------------------------------------------

    def rootfs_step(
        self, packages: Sequence[Locked], index: Artifact, kernel: str, target: Target, tools: Artifact, epoch: int
    ) -> Step:
        return Step(
            name="rootfs",
            commands=(
                Command("arch/rootfs.sh", rights="bootstrap"),
                Command("arch/pack-root.sh", show_left=True),
            ),
            outputs=("layer", "packages", "remarks"),
            epoch=epoch,
            parameters={
                "architecture": target.architecture.encode(),
                "repositories": _LOCAL,
                "explicit": as_lines(package.name for package in packages),
                "noextract": as_lines(f"NoExtract = {glob.lstrip('/')}" for glob in target.exclude),
                "kernel": kernel.encode(),
                "mksquashfs": as_lines(target.mksquashfs),
                **_signatures(packages),
            },
            inputs={"index": index, **_files(packages)},
            tools=tools,
        )

    def order_step(
        self, packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, tools: Artifact
    ) -> None:
        return None  # pacman finds the order when it installs them.

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
        alone = self.rootfs_step(packages, index, kernel, target, tools, epoch)
        commands = (
            Command("arch/add.sh", root="system", rights="bootstrap"),
            Command("arch/pack.sh", pack_upper=True, show_layers=True),
        )
        return replace(alone, commands=commands, layers=tuple(layers))

    def initrd_step(
        self,
        packages: Sequence[Locked],
        kernel: str,
        initramfs: Initramfs,
        modules: Artifact | None,
        tools: Artifact,
        epoch: int,
    ) -> Step:
        return Step(
            name="initrd",
            commands=(Command("arch/initrd.sh", rights="bootstrap"), Command("take.sh", show_left=True)),
            outputs=("kernel", "initrd", "warnings"),
            epoch=epoch,
            parameters={
                **shared.initrd_parameters(kernel, initramfs),
                "mkinitcpio.conf": self.facts.MKINITCPIO.encode(),
            },
            trees={"tree.tar": initramfs.tree},
            inputs={**_files(packages), **shared.initrd_inputs(modules)},
            tools=tools,
        )


def _files(packages: Sequence[Locked]) -> dict[str, Artifact]:
    """The packages, as files of /run/in. Their digests name them: no field of a lock says where another's file is."""
    return {f"packages/{package.sha256}": package.artifact for package in packages}


def _signatures(packages: Sequence[Locked]) -> dict[str, bytes]:
    """Their detached signatures, in the same way."""
    return {f"packages/{package.sha256}.sig": base64.b64decode(package.signature) for package in packages}


def _servers(addresses: Mapping[str, str]) -> dict[str, str]:
    """Addresses for pacman, which does not know apt's scheme copy:."""
    return {name: address.replace("copy:", "file://", 1) for name, address in addresses.items()}


def _sections(stanza: bytes) -> dict[str, list[str]]:
    """The sections of a desc file after its mark, each with its values. Raises ValueError for anything else."""
    mark, _, rest = stanza.decode(errors="replace").partition("\n")
    found: dict[str, list[str]] = {}
    for section in rest.removesuffix("\n\n").split("\n\n"):
        title, *values = section.split("\n")
        name = title.strip("%")
        if title != f"%{name}%" or name not in _DESC or name in found or not values:
            raise ValueError("its .PKGINFO has no sections of one name and value")
        if not all(re.fullmatch(r"[!-$&-~][!-~]*", value) for value in values):
            raise ValueError(f"its {name.lower()} is malformed")
        found[name] = values
    if not re.fullmatch(f"#{shared.HOLDS}", mark):
        raise ValueError("its files could not be listed")
    return found


def _entries(package: Locked, size: int) -> tuple[tarfile.TarInfo, tarfile.TarInfo]:
    """The entries of a package in a database: its directory, and its file desc of ``size`` bytes."""
    directory = tarfile.TarInfo(f"{package.name}-{package.version}")
    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
    file = tarfile.TarInfo(f"{directory.name}/desc")
    file.size, file.mode = size, 0o644
    return directory, file


def _own_sections(package: Locked) -> bytes:
    """The sections of a desc file that are not made from the package's content."""
    return f"%FILENAME%\n{package.sha256}\n\n%CSIZE%\n{package.size}\n\n%SHA256SUM%\n{package.sha256}\n\n".encode()
