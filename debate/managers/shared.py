"""Shared code of the package managers: addresses of mirrors, downloads, metadata."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from debate import keys
from debate.distributions.interface import Distribution
from debate.errors import Complaint, DebateError, StepError
from debate.managers import host_apt
from debate.managers.interface import Holds, Initramfs, Mirrors, Request
from debate.model import MIRROR, Artifact, Command, Locked, Reach, Step, Supplies
from debate.sandbox.addresses import endpoint
from debate.sandbox.image.lines import as_lines
from debate.settings import MIRROR_ADDRESS, Settings, mirror_variable

EPOCH = keys.EPOCH_START
"""SOURCE_DATE_EPOCH of steps whose outputs contain no file times."""

REMOTE_ADDRESS = r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?(?:/(?:[A-Za-z0-9/._~+:@,=&;!()*-]|%[2-9A-Fa-f][0-9A-Fa-f])*)?"
"""Those that a profile may name, as in its schema: none of the host's files, nothing that apt or pacman expands."""

PATIENCE = 30
"""Seconds that a mirror has to send a small index to the host."""
_INDEX_BYTES, _MEMORY = 32 << 20, 2 << 30
"""Maximum size of such an index, and memory of a process that asks for it."""

# Addresses ------------------------------------------------------------------------------------------


def tools_request(facts: Distribution, release: str) -> Request:
    """The request for the tools tree, from the current state of the distribution's own archive."""
    return Request(
        distribution=facts.NAME,
        release=release,
        architecture=facts.ARCHITECTURES[0],
        components=facts.DEFAULT_COMPONENTS,
        snapshot=None,
        repositories=(),
        recommends=False,
        packages=(),
        base=None,
    )


def mirrors(
    own: Mapping[str, str],
    request: Request,
    settings: Settings,
    named: Mapping[str, str],
    of_host: Iterable[str] = (),
) -> Mirrors:
    """The distribution's ``own`` archives and the request's repositories. Addresses in the settings take precedence.

    Raises DebateError if an address is missing or malformed. ``own`` are those of settings and the host, and what
    `of_profile` permits; ``named`` are those in the profile; ``of_host`` are the addresses that the host's package
    manager has.
    """
    found = dict(own)
    for repository in request.repositories:
        name = repository.name
        address = settings.mirrors.get(name) or of_profile(name, named)
        if not address:
            remedy = f"give the repository a url, or set {mirror_variable(name)} to its address or directory"
            raise StepError("", complaints=[Complaint("repositories", name, f"{name}: no address is known", remedy)])
        found[name] = address
    for name, address in found.items():
        _check(address, name, settings)
    directories = {n: _directory(a.removeprefix("file://")) for n, a in found.items() if a.startswith("file://")}
    used, of_settings = _endpoints(found.values()), _endpoints(settings.mirrors.values())
    public = used - of_settings - _endpoints(of_host)
    trusted = of_settings | used - public
    # copy: instead of file:, with which apt does not write a file to the given path.
    inside = found | {name: f"copy:{MIRROR}/{name}" for name in directories}
    return Mirrors(
        {name: address.rstrip("/") for name, address in inside.items()},
        directories,
        bool(request.snapshot),
        tuple(sorted(public)),
        tuple(sorted(trusted)),
        {
            name: shown
            for name, address in found.items()
            if (shown := _without_password(address).rstrip("/")) != inside[name].rstrip("/")
        },
    )


def _directory(path: str) -> str:
    """The directory of an address. Where there is none of that very name, the address has it as addresses have it."""
    return path if os.path.isdir(path) or "%" not in path else unquote(path)


def _without_password(address: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _endpoints(addresses: Iterable[str]) -> set[str]:
    return {endpoint(address) for address in addresses} - {""}


def of_profile(name: str, named: Mapping[str, str]) -> str | None:
    """The address that a profile has for the mirror ``name``. Raises DebateError if a profile may not name it."""
    address = named.get(name)
    if address is not None and not re.fullmatch(REMOTE_ADDRESS, address):
        fact = f"a profile may not name the address {address!r}"
        remedy = f"use an http or https address, or set {mirror_variable(name)} to it"
        raise DebateError(fact, remedy, place=f"mirror {name}")
    return address


def _check(address: str, name: str, settings: Settings) -> None:
    if not re.fullmatch(MIRROR_ADDRESS, address):
        fact = f"{address!r} is not the address of a mirror"
        remedy = f"set {mirror_variable(name)} to an address that begins with http://, https:// or file:///"
        if name in settings.mirrors:
            raise settings.error(f"mirrors.{name}", fact, remedy)
        raise DebateError(fact, remedy, place=f"mirror {name}")


def dated_mirror(settings: Settings, facts: Distribution, snapshot: str, **values: str) -> str:
    """The address of an archive's state at ``snapshot``.

    The setting has a placeholder in braces for each of ``values``. Raises DebateError if it is missing or malformed.
    """
    name = f"{facts.NAME}-snapshot"
    variable, placeholders = mirror_variable(name), " and ".join(f"{{{value}}}" for value in values)
    template = settings.mirrors.get(name)
    if template is None:
        examples = " and ".join(f"{{{value}}} (here {text})" for value, text in values.items())
        remedy = f"set {variable} to its address, with {examples} in it"
        raise DebateError("no dated mirror is set", remedy, place=f"snapshot {snapshot}")
    unknown = sorted(set(re.findall(r"\{[^{}]*\}", template)) - {f"{{{value}}}" for value in values})
    rest = re.sub(r"\{[^{}]*\}", "", template)
    fact = ""
    if unknown:
        fact = f"{unknown[0]} in {template!r} is not a placeholder"
    elif "{" in rest or "}" in rest:
        fact = f"{template!r} has an unbalanced brace"
    if fact:
        raise settings.error(f"mirrors.{name}", fact, f"{variable} may contain {placeholders}")
    for value, text in values.items():
        template = template.replace(f"{{{value}}}", text)
    _check(template, name, settings)
    return template


def has_dated(settings: Settings, facts: Distribution) -> bool:
    """True if the settings name the distribution's dated archives."""
    return f"{facts.NAME}-snapshot" in settings.mirrors


def reach(found: Mirrors, name: str, index: str, download: Callable[[str], None]) -> str:
    """The address of the mirror ``name``, after its ``index``, a path below it, could be read.

    ``download`` raises DebateError if an address is unavailable, and so does this.
    """
    variable, address = mirror_variable(name), found.written.get(name, found.addresses[name])
    if directory := found.directories.get(name):
        if not Path(directory, index).is_file():
            raise DebateError(
                "missing", f"set {variable} to a directory that holds an archive", place=f"{address}/{index}"
            )
        return address
    try:
        download(f"{found.addresses[name]}/{index}")
    except DebateError:
        remedy = f"check the network, or set {variable} to another mirror"
        raise DebateError(f"{address}/{index} is unavailable", remedy) from None
    return address


def bounded(argv: Sequence[str]) -> list[str]:
    """``argv`` for a command that asks a mirror on the host: its processes end in time, and none takes much."""
    limits = [f"--fsize={_INDEX_BYTES}", f"--as={_MEMORY}"]
    return ["timeout", "--signal=KILL", str(PATIENCE), "prlimit", *limits, *argv]


def archive_of(location: str, addresses: Mapping[str, str], place: str) -> tuple[str, str]:
    """The archive that contains ``location``, and the path in it. Raises DebateError if there is none."""
    archives = [archive for archive, address in addresses.items() if location.startswith(f"{address}/")]
    if not archives:
        raise DebateError(f"{location} is not on any of the mirrors, so it is refused", place=place)
    archive = max(archives, key=lambda archive: len(addresses[archive]))
    # Indexes that were made in the archive's root say ./FILE.
    return archive, re.sub(r"^(\./+)+", "", location.removeprefix(f"{addresses[archive]}/"))


def unfit(package: Locked, request: Request, archives: Sequence[str], independent: str) -> tuple[str, str] | None:
    """See `debate.managers.interface.Manager`: what holds for all package managers.

    ``archives``: those of the distribution. ``independent``: the architecture of packages that fit all.
    """
    known = (*archives, *(repository.name for repository in request.repositories))
    if package.repository not in known:
        return "repository", f"the profile has no repository {package.repository!r}"
    if package.architecture not in (request.architecture, independent):
        return "architecture", f"the profile's is {request.architecture!r}"
    return None


def proven(packages: Sequence[Locked]) -> bytes:
    """The input ``wanted`` of proof steps, tab-separated: archive, name, version, architecture, path, size, SHA-256."""
    return as_lines(
        "\t".join((p.repository, p.name, p.version, p.architecture, unquote(p.path), str(p.size), p.sha256))
        for p in packages
    )


# Downloads and metadata -----------------------------------------------------------------------------


def reach_of(mirrors: Mirrors) -> Reach:
    """Where a step that uses ``mirrors`` may connect to, and through which of the host's proxies."""
    if not _endpoints(mirrors.addresses.values()):
        return Reach()  # Directories need none.
    return Reach(mirrors.public, mirrors.trusted, host_apt.proxies(mirrors.addresses.values()))


def unheard(mirrors: Mirrors) -> Iterator[str]:
    """What of the host's own configuration of proxies cannot be read: lines for people."""
    if _endpoints(mirrors.addresses.values()):
        yield from host_apt.unheard(mirrors.addresses.values())


def written(mirrors: Mirrors) -> dict[str, bytes]:
    """The file ``written``, for messages: archive, address as a step sees it, and as the user wrote it."""
    lines = (f"{name} {address} {mirrors.written.get(name, address)}" for name, address in mirrors.addresses.items())
    return {"written": as_lines(lines)}


def apt_conf(mirrors: Mirrors) -> bytes:
    """Longer timeouts and more retries for dated mirrors, which are slow and unreliable."""
    return b'Acquire::Retries "8";\nAcquire::http::Timeout "120";\n' if mirrors.dated else b""


def inspect_step(script: str, packages: Sequence[Locked], tools: Artifact) -> Step:
    """Read the metadata of packages with ``script``. Outputs: their SHA-256 as names."""
    return Step(
        name="inspect",
        commands=(Command(script, rights="apart"),),
        outputs=tuple(package.sha256 for package in packages),
        epoch=EPOCH,
        parameters={"names": as_lines(f"{package.sha256} {package.name}" for package in packages)},
        inputs={f"packages/{package.sha256}": package.artifact for package in packages},
        tools=tools,
    )


_HOLDS = r"(?:initrd|dkms|kernel=[A-Za-z0-9.+~_-]+|headers=[A-Za-z0-9.+~_-]+)"
HOLDS = f"(?:{_HOLDS}(?: {_HOLDS})*)?"
"""The words with which the scripts read.pl say what a package has."""


def holds(words: Iterable[str]) -> Holds:
    """Those words as values."""
    named = [word.partition("=") for word in words]
    kernels, headers = (tuple(v for name, _, v in named if name == wanted) for wanted in ("kernel", "headers"))
    has = {name for name, *_ in named}
    return Holds("initrd" in has, kernels, headers, "dkms" in has)


def initrd_inputs(modules: Artifact | None) -> dict[str, Artifact]:
    """What sandbox/initrd.sh reads in addition to the packages."""
    return {"modules.tar": modules} if modules else {}


def initrd_parameters(kernel: str, initramfs: Initramfs) -> dict[str, bytes]:
    """What sandbox/initrd.sh reads in addition to the tree."""
    return {
        "kernel": kernel.encode(),
        "generator": initramfs.generator.encode(),
        "compression": initramfs.compression.encode(),
        **{name: as_lines(getattr(initramfs, name)) for name in ("modules", "files", "firmware", "hooks")},
        **({"network": b""} if initramfs.network else {}),
    }


def fetch_step(wanted: Sequence[Locked], tools: Artifact) -> Step:
    """Download packages with apt's methods, which every tools tree has. Outputs: their SHA-256 as names, and taken."""
    return Step(
        name="packages",
        commands=(Command("debian/fetch.sh", rights="fetch"),),
        outputs=(*(package.sha256 for package in wanted), "taken"),
        epoch=EPOCH,
        tools=tools,
    )


def fetch_supplies(wanted: Sequence[Locked], mirrors: Mirrors, remedy: str, dated: Sequence[Mirrors] = ()) -> Supplies:
    """The addresses, sizes and digests of the packages of `fetch_step`; names, versions and ``remedy`` for messages.

    Lines of ``dated``: SHA-256 and address, of a package one after the other.
    """
    directories, more = dict(mirrors.directories), []
    for number, each in enumerate(dated):
        for package in wanted:
            name, address = package.repository, each.addresses.get(package.repository, "")
            if not address or each.written_addresses[name] == mirrors.written_addresses[name]:
                continue  # A repository of the profile has no dated states.
            if name in each.directories:
                directories[f"{name}-{number}"] = each.directories[name]
                address = f"copy:{MIRROR}/{name}-{number}"
            more.append(f"{package.sha256} {address}/{package.path}")
    lines = [
        f"{mirrors.addresses[package.repository]}/{package.path} "
        f"{package.sha256} {package.name} {package.version} {package.size}"
        for package in wanted
    ]
    files = {"wanted": as_lines(lines), "apt.conf": apt_conf(mirrors), "remedy": remedy.encode(), **written(mirrors)}
    files["dated"] = as_lines(more)
    return Supplies(files=files, mirrors=directories, reach=_reach_of_all([mirrors, *dated]))


def _reach_of_all(several: Sequence[Mirrors]) -> Reach:
    """`reach_of` several mirrors together."""
    parts = [reach_of(each) for each in several]
    public, trusted = ({one for part in parts for one in getattr(part, field)} for field in ("public", "trusted"))
    proxies = {name: value for part in parts for name, value in part.proxies.items()}
    return Reach(tuple(sorted(public)), tuple(sorted(trusted)), proxies)
