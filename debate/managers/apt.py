"""Manages packages of Debian and its derivatives: apt resolves and fetches, mmdebstrap installs.

Sources: apt-get(8), apt.conf(5), sources.list(5), deb822(5), mmdebstrap(1).
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import urllib.parse
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from debate import keys
from debate.distributions.interface import AptDistribution
from debate.errors import DebateError, Place, Problem
from debate.host.run import run
from debate.managers import host_apt, shared
from debate.managers.interface import (
    SECURITY,
    Held,
    Holds,
    Initramfs,
    Manager,
    Mirrors,
    Request,
    Target,
    kept_directory,
)
from debate.model import Artifact, Command, Locked, Step, Supplies
from debate.sandbox.image.lines import as_lines
from debate.settings import Settings, mirror_variable

_HEAD = 4096
"""Bytes of an InRelease file in which its date is."""
_KEPT_INDEXES = "copy:/run/work/mirror/"
"""Where a proof has the archives' indexes, as apt's sources name it."""

_OF_FILES = "check-valid-until=no by-hash=no"
"""Options of a source whose indexes were kept: they are as old as they are, and under their names only."""

_RESOLVED = re.compile(
    r"([a-z0-9,-]*)( essential)?(?: also=([a-z0-9,-]+))?(?: installed=([0-9]{1,9}))? "
    r"'([^']+)' ([^ ]+)_([^_ ]+)_([^_ ]+)\.deb ([0-9]{1,15}) SHA256:([0-9a-f]{64})"
)
_HOLDS = "X-Debate-Holds"
"""The field in which sandbox/debian/read.pl says what a package has: see `debate.managers.interface.Holds`."""
_RELATION, _WORD = r"[A-Za-z0-9+.~:_ ,|()<>=-]*", r"[A-Za-z0-9+._/-]*"
_KEPT = {
    **dict.fromkeys(("Package", "Architecture", "Multi-Arch", "Essential", "Important", "Protected"), _WORD),
    **dict.fromkeys(("Priority", "Section"), _WORD),
    "Version": r"[A-Za-z0-9.+:~-]*",
    "Installed-Size": r"[0-9]*",
    **dict.fromkeys(("Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances"), _RELATION),
    **dict.fromkeys(("Breaks", "Conflicts", "Replaces", "Provides"), _RELATION),
    _HOLDS: shared.HOLDS,
}
"""The fields of a package that apt chooses and orders by, which is all that goes into an index, and their values."""
_ENTRY = re.compile(
    f"(?:(?:{'|'.join(f'{name}: {form}' for name, form in _KEPT.items())})\\n){{1,{len(_KEPT)}}}".encode()
)
"""The entry of a package in an index, without `_own_fields`."""


def manager(facts: AptDistribution) -> Manager:
    return Apt(facts)


@dataclass(frozen=True)
class Apt:
    """See `debate.managers.interface.Manager`."""

    facts: AptDistribution

    # The tools tree and the mirrors --------------------------------------------------------------

    def tools_step(self, packages: bytes) -> Step:
        return Step(
            name="sandbox",
            commands=(
                Command("debian/tools.sh", rights="tools"),
                Command("debian/pack-tools.sh", root="made", show_left=True),
            ),
            outputs=("tools", "packages"),
            epoch=shared.EPOCH,
            parameters={"release": self.facts.TOOLS_RELEASE.encode(), "packages": packages},
        )

    def tools_supplies(self, settings: Settings) -> Supplies:
        request = shared.tools_request(self.facts, self.facts.TOOLS_RELEASE)
        found = self.mirrors(settings, request, {})
        files = {"sources.list": as_lines(line for _, line in self._sources(request, found.addresses))}
        return Supplies(files=files, mirrors=found.directories, reach=shared.reach_of(found))

    def mirrors(self, settings: Settings, request: Request, named: Mapping[str, str]) -> Mirrors:
        """From the settings, else the profile, else the host's own apt, else the host's bootstrapper."""
        archives = self._archives(request)
        origins, notes = dict[str, str](), list[str]()
        if request.snapshot:
            found = {
                archive: shared.dated_mirror(
                    settings, self.facts, request.snapshot, archive=archive, date=request.snapshot
                )
                for archive in archives
            }
            of_host = found
        else:
            # Asking the host's apt takes a while.
            asks = named or not settings.mirrors.keys() >= set(archives)
            host = host_apt.known(self.facts) if asks else host_apt.NOTHING
            of_host = dict(host.addresses)
            found, problems = {}, []
            for archive in archives:
                variable = mirror_variable(archive)
                if address := settings.mirrors.get(archive):
                    found[archive], origins[archive] = address, variable
                elif address := shared.of_profile(archive, named):
                    found[archive], origins[archive] = address, "the profile"
                elif address := host.addresses.get(archive):
                    found[archive], origins[archive] = address, host.origins[archive]
                    if why := host.why(archive):
                        notes.append(f"{archive}: {why}; using {address}, as {host.origins[archive]} does")
                else:
                    fact = f"no address of this archive of {self.facts.TITLE} is known: {host.why(archive)}"
                    problems.append(Problem(Place(f"mirror {archive}"), fact, f"set {variable} to its address"))
            if problems:
                raise DebateError.of(problems)
        made = shared.mirrors(found, request, settings, named, of_host.values())
        return replace(made, origins=origins, notes=tuple(notes))

    def dated(
        self, settings: Settings, request: Request, named: Mapping[str, str], moments: Mapping[str, str]
    ) -> Mirrors:
        found, usual = {}, self.mirrors(settings, replace(request, snapshot=None), named).written_addresses
        for archive in self._archives(request):
            moment = moments.get(archive, max(moments.values()))
            address = (
                ""
                if shared.has_dated(settings, self.facts)
                else (host_apt.dated_address(archive, usual[archive], moment))
            )
            found[archive] = address or shared.dated_mirror(settings, self.facts, moment, archive=archive, date=moment)
        return replace(shared.mirrors(found, request, settings, named, found.values()), dated=True)

    def _archives(self, request: Request) -> tuple[str, ...]:
        """The distribution's archives that have packages of the release."""
        return (self.facts.NAME,) if request.release in self.facts.ROLLING else tuple(self.facts.ARCHIVES)

    def reach_mirrors(self, settings: Settings) -> Iterator[str | DebateError]:
        """Uses the host's own apt, with its proxies and certificates."""
        request = shared.tools_request(self.facts, self.facts.TOOLS_RELEASE)
        found = self.mirrors(settings, request, {})
        yield from map(DebateError, shared.unheard(found))
        options = ["-oAcquire::Retries=0", "-oAcquire::http::Timeout=15", "-oAcquire::https::Timeout=15"]
        for archive in found.addresses:
            suite = self.facts.ARCHIVES[archive][0].format(release=request.release)
            index = f"dists/{suite}/InRelease"
            with tempfile.TemporaryDirectory(prefix="debate-mirror-") as directory:
                file = Path(directory, "index")

                def download(address: str, file: Path = file) -> None:
                    ask = ["/usr/lib/apt/apt-helper", *options, "download-file", address, str(file)]
                    run(shared.bounded(ask), environment=host_apt.variables())

                try:
                    address = shared.reach(found, archive, index, download)
                    if archive in found.directories:
                        file = Path(found.directories[archive], index)
                    date = _date_of(file)
                except (DebateError, OSError) as error:
                    yield (
                        error if isinstance(error, DebateError) else DebateError(str(error), place=f"mirror {archive}")
                    )
                    continue
            yield f"{archive}: {address} answers, {suite} {date}; {found.origins[archive]} names it"

    def _sources(self, request: Request, addresses: Mapping[str, str], *, options: str = "") -> list[tuple[str, str]]:
        """The lines of sources.list, each with its archive."""
        own = f"signed-by={self.facts.KEYRING}{options or (' check-valid-until=no' if request.snapshot else '')}"
        repositories = {repository.name: repository for repository in request.repositories}
        lines = []
        for archive, suite in self.suites(request):
            repository = repositories.get(archive)
            signed = f"signed-by=/run/in/keys/{archive}.gpg{options}" if repository else own
            if addresses[archive].startswith(f"{kept_directory()}/"):
                signed = f"{signed.split()[0]} {_OF_FILES}"
            components = " ".join((repository or request).components)
            address = addresses[archive].replace("%", "%25")  # apt decodes what looks encoded there.
            lines.append((archive, f"deb [{signed}] {address} {suite} {components}"))
        return lines

    def suites(self, request: Request) -> list[tuple[str, str]]:
        found = []
        for archive in self._archives(request):
            suites = self.facts.ARCHIVES[archive]
            for suite in suites[:1] if request.release in self.facts.ROLLING else suites:
                found.append((archive, suite.format(release=request.release)))
        return [
            *found,
            *((repository.name, suite) for repository in request.repositories for suite in repository.suites),
        ]

    def _sources_files(self, sources: Sequence[tuple[str, str]]) -> dict[str, bytes]:
        """sources.list, and a file ``archives`` with the archive of each of its lines."""
        return {
            "sources.list": as_lines(line for _, line in sources),
            "archives": as_lines(archive for archive, _ in sources),
        }

    def _keys(self, request: Request) -> dict[str, bytes]:
        """The keys of the repositories, as files."""
        return {f"keys/{repository.name}.gpg": repository.key.encode("latin-1") for repository in request.repositories}

    def trust(self, settings: Settings, request: Request) -> dict[str, bytes]:
        return {}  # apt verified the index when the lock was made; packages are verified by SHA-256.

    # Which packages --------------------------------------------------------------------------------

    def lock_step(self, request: Request, tools: Artifact, installed: bytes = b"", held: Held | None = None) -> Step:
        recommends = f'APT::Install-Recommends "{str(request.recommends).lower()}";\n'
        return Step(
            name="lock",
            commands=(Command("debian/lock.sh", rights="fetch"),),
            outputs=("resolved", "unpacked", "indexes", "archives", "remarks"),
            epoch=shared.EPOCH,
            parameters={
                "options": _architecture(request) + recommends.encode(),
                "packages": as_lines(request.packages),
                "unpacked": as_lines(request.unpacked),
                "installed": installed,
                **(self._held(request, held) if held is not None else {}),
                **self._keys(request),
            },
            tools=tools,
        )

    def _held(self, request: Request, held: Held) -> dict[str, bytes]:
        security = [name for name in self._archives(request) if name.endswith(SECURITY)] if held.security else []
        lines = (f"{package.name} {package.version} {package.architecture}" for package in held.packages)
        return {"held": as_lines(lines), "security": as_lines(security)}

    def indexes_step(self, request: Request, tools: Artifact) -> Step:
        return Step(
            name="indexes",
            commands=(Command("debian/update.sh", rights="fetch"),),
            outputs=("indexes",),
            epoch=shared.EPOCH,
            parameters={"options": _architecture(request), **self._keys(request)},
            tools=tools,
        )

    def proof_step(self, packages: Sequence[Locked], request: Request, settings: Settings, tools: Artifact) -> Step:
        archives = (*self._archives(request), *(repository.name for repository in request.repositories))
        kept = {archive: f"{_KEPT_INDEXES}{archive}" for archive in archives}
        return Step(
            name="proof",
            commands=(Command("debian/prove.sh", rights="apart"),),
            outputs=("proven",),
            epoch=shared.EPOCH,
            parameters={
                "wanted": shared.proven(packages),
                "options": _architecture(request),
                **self._sources_files(self._sources(request, kept, options=f" {_OF_FILES}")),
                **self._keys(request),
            },
            tools=tools,
        )

    def index_keys(self, request: Request, mirrors: Mirrors) -> dict[str, str]:
        keys_of = {repository.name: repository.key for repository in request.repositories}
        sources = self._sources(request, mirrors.addresses)
        return {
            archive: keys.key(
                [
                    request.architecture,
                    keys_of.get(archive, ""),
                    sorted(_lines_of(sources, archive)),
                    mirrors.directories.get(archive, ""),
                ]
            )
            for archive in mirrors.addresses
        }

    def lock_supplies(self, settings: Settings, request: Request, mirrors: Mirrors) -> Supplies:
        files = {
            **self._sources_files(self._sources(request, mirrors.addresses)),
            "apt.conf": shared.apt_conf(mirrors),
            "system": f"{request.distribution} {request.release}".encode(),
            "base": (request.base or "").encode(),
            **shared.written(mirrors),
            **self.trust(settings, request),
        }
        directories = {name: path for name, path in mirrors.directories.items() if name not in mirrors.kept}
        reach = shared.reach_of(mirrors)
        return Supplies(files=files, inputs=mirrors.kept_files, mirrors=directories, reach=reach)

    def read_resolved(self, lines: Iterable[str], mirrors: Mirrors) -> list[Locked]:
        """Parse the output of lock.sh, lines of: ARCHIVES [essential] [also=ARCHIVES] [installed=KIB] 'URI' FILE SIZE
        SHA256:HEX.

        FILE is NAME_VERSION_ARCH.deb.
        """
        found = []
        for line in lines:
            match = _RESOLVED.fullmatch(line.rstrip(" "))
            if match is None:
                raise DebateError(f"{line!r} has no SHA-256, so it is refused", "use another mirror", place="apt")
            archives, mark, also, installed, uri, name, version, architecture, size, digest = match.groups()
            # Archives can share an address, and only one of them has the package.
            having = {one: mirrors.addresses[one] for one in archives.split(",") if one in mirrors.addresses}
            archive, path = shared.archive_of(uri, having, "apt")
            one = Locked(name, urllib.parse.unquote(version), architecture, archive, path, int(size), digest)
            if archive not in self.facts.ARCHIVES:
                others = (also or "").split(",")
                replaces = next((other for other in self.facts.ARCHIVES if other in others), "")
                one = replace(one, essential=bool(mark), replaces=replaces)
            found.append(replace(one, installed=int(installed or 0) << 10))
        return sorted(found, key=lambda package: package.identity)

    def unfit(self, package: Locked, request: Request) -> tuple[str, str] | None:
        if package.signature:
            return "signature", "packages of this distribution are not signed one by one"
        return shared.unfit(package, request, self._archives(request), "all")

    def fetch_step(self, wanted: Sequence[Locked], tools: Artifact) -> Step:
        return shared.fetch_step(wanted, tools)

    def fetch_supplies(
        self, wanted: Sequence[Locked], mirrors: Mirrors, remedy: str, dated: Sequence[Mirrors] = ()
    ) -> Supplies:
        return shared.fetch_supplies(wanted, mirrors, remedy, dated)

    def inspect_step(self, packages: Sequence[Locked], tools: Artifact) -> Step:
        return shared.inspect_step("debian/inspect.sh", packages, tools)

    def fault(self, package: Locked, stanza: bytes) -> str:
        try:
            found = _fields(stanza)
        except ValueError as error:
            return str(error)
        for name, value in (("Package", package.name), ("Version", package.version),
                            ("Architecture", package.architecture)):  # fmt: skip
            if found.get(name) != value:
                return f"its {name} is not {value}"
        return ""

    def index(self, packages: Iterable[tuple[Locked, bytes]]) -> bytes:
        """The content of a file Packages."""
        lines = []
        for package, stanza in packages:
            lines += [f"{name}: {value}\n" for name, value in _fields(stanza).items()]
            lines += [_own_fields(package), "\n"]
        return "".join(lines).encode()

    def holds(self, stanza: bytes) -> Holds:
        return shared.holds(_fields(stanza).get(_HOLDS, "").split())

    def is_index(self, index: bytes, packages: Sequence[Locked]) -> bool:
        start = 0
        for package in packages:
            end = index.find(b"\n\n", start) + 1
            own = _own_fields(package).encode()
            if not (
                index.startswith(f"Package: {package.name}\n".encode(), start, end)
                and index.endswith(b"\n" + own, start, end)
                and _ENTRY.fullmatch(index, start, end - len(own))
            ):
                return False
            start = end + 1
        return start == len(index)

    def initrd_wanted(self, packages: Iterable[tuple[Locked, bytes]], tools: Collection[str]) -> list[str]:
        return sorted(
            _qualified(package) for package, stanza in packages if package.name in tools or self.holds(stanza).initrd
        )

    def select_step(self, index: bytes, wanted: Sequence[str], kernel: str, release: str, tools: Artifact) -> Step:
        return Step(
            name="select",
            commands=(Command("debian/select.sh"),),
            outputs=("selected", "kernel"),
            epoch=shared.EPOCH,
            parameters={
                _packages_file(release): index,
                **_release_file(release, hashlib.sha256(index).hexdigest(), len(index)),
                "wanted": as_lines(wanted),
                "kernel": kernel.encode(),
                "release": release.encode(),
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
                Command("debian/rootfs.sh", rights="bootstrap"),
                Command("debian/pack-root.sh", show_left=True),
            ),
            outputs=("layer", "packages", "remarks"),
            epoch=epoch,
            parameters={
                **_release_file(target.release, keys.digits(index.digest), index.size),
                "release": target.release.encode(),
                "architecture": target.architecture.encode(),
                "packages": ",".join(map(_exactly, packages)).encode(),
                "kernel": kernel.encode(),
                **_options(target),
            },
            inputs={
                _packages_file(target.release): index,
                **_files(packages, "repository/pool"),
            },
            tools=tools,
        )

    def order_step(
        self, packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, tools: Artifact
    ) -> Step:
        return Step(
            name="order",
            commands=(Command("debian/order.sh"),),
            outputs=("plan",),
            epoch=shared.EPOCH,
            parameters={
                **_release_file(release, keys.digits(index.digest), index.size),
                "wanted": as_lines(map(_exactly, packages)),
                "release": release.encode(),
            },
            inputs={_packages_file(release): index, "below": below},
            tools=tools,
        )

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
        return Step(
            name="rootfs",
            commands=(
                Command("debian/add.sh", root="system", rights="system"),
                Command("debian/pack.sh", pack_upper=True, show_layers=True),
            ),
            outputs=("layer", "packages", "remarks"),
            epoch=epoch,
            parameters={"kernel": kernel.encode(), **_options(target)},
            inputs={**({"plan": plan} if plan else {}), **_files(packages)},
            layers=tuple(layers),
            tools=tools,
        )

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
            commands=(Command("debian/initrd.sh", rights="bootstrap"), Command("take.sh", show_left=True)),
            outputs=("kernel", "initrd", "warnings"),
            epoch=epoch,
            parameters=shared.initrd_parameters(kernel, initramfs),
            trees={"tree.tar": initramfs.tree},
            inputs={**_files(packages, "packages"), **shared.initrd_inputs(modules)},
            tools=tools,
        )


def _fields(stanza: bytes) -> dict[str, str]:
    """The fields of a control file in `_KEPT`, in that order, each on one line.

    Raises ValueError for anything but one paragraph, and for values that they cannot have. Other fields are free text.
    """
    found: dict[str, list[str]] = {}
    names = {name.lower(): name for name in _KEPT}
    last = ""
    for line in stanza.decode(errors="replace").rstrip("\n").split("\n"):
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t"):
            if not last:
                raise ValueError("its control file begins with a continuation line")
            value = line
        elif not colon or not re.fullmatch(r"[!-~]+", name):
            raise ValueError("its control file is not one paragraph of fields")
        elif (last := name.lower()) in found:
            raise ValueError(f"its control file has two fields {names.get(last, 'of one name')}")
        values = found.setdefault(last, [])
        if last in names and (value := value.strip(" \t")):
            values.append(value)
    kept = {name: " ".join(found[name.lower()]) for name in _KEPT if name.lower() in found}
    for name, value in kept.items():
        if not re.fullmatch(_KEPT[name], value):
            raise ValueError(f"its field {name} is malformed")
    return kept


def _own_fields(package: Locked) -> str:
    """The fields of an index that are not in a control file."""
    own = {"Filename": f"pool/{package.sha256}.deb", "Size": package.size, "SHA256": package.sha256}
    return "".join(f"{name}: {value}\n" for name, value in own.items())


def _architecture(request: Request) -> bytes:
    """apt.conf for the architecture of the system."""
    return f'APT::Architecture "{request.architecture}";\n'.encode()


def _lines_of(sources: Sequence[tuple[str, str]], archive: str) -> list[str]:
    return [line for name, line in sources if name == archive]


def _date_of(index: Path) -> str:
    """``of DATE``: that of an InRelease file, as it says itself."""
    with index.open("rb") as file:
        match = re.search(rb"^Date: ([ -~]{1,64})$", file.read(_HEAD), re.MULTILINE)
    return f"of {match[1].decode()}" if match else "without a date"


def _qualified(package: Locked) -> str:
    """How apt is asked for this package, of whatever architecture others with its name are."""
    return f"{package.name}:{package.architecture}"


def _exactly(package: Locked) -> str:
    return f"{_qualified(package)}={package.version}"


def _files(packages: Sequence[Locked], directory: str = "pool") -> dict[str, Artifact]:
    """The packages, as files of /run/in. Their digests name them: no field of a lock says where another's file is."""
    return {f"{directory}/{package.sha256}.deb": package.artifact for package in packages}


def _packages_file(release: str) -> str:
    return f"repository/dists/{release}/main/binary-all/Packages"


def _release_file(release: str, sha256: str, size: int) -> dict[str, bytes]:
    text = (
        f"Origin: debate\nSuite: {release}\nCodename: {release}\nComponents: main\n"
        f"Architectures: all\nSHA256:\n {sha256} {size} main/binary-all/Packages\n"
    )
    return {f"repository/dists/{release}/Release": text.encode()}


_MANUALS = "/usr/share/man/man{}"
"""Directories in which scripts of packages make links, by update-alternatives(1), and fail without them, as Java's."""


def _options(target: Target) -> dict[str, bytes]:
    lines = [f"path-exclude={glob}" for glob in target.exclude]
    if any(fnmatchcase(_MANUALS.format(1), glob) for glob in target.exclude):
        lines.append(f"path-include={_MANUALS.format('?')}")  # The last one that fits counts.
    return {
        "dpkg.cfg": as_lines(lines),
        "mksquashfs": as_lines(target.mksquashfs),
    }
