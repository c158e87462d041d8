"""Put what starts a live system over a network into one directory, and offer it by HTTP."""

from __future__ import annotations

import ipaddress
import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate.artifact import Artifact
from debate.cache.store import digest_of
from debate.errors import DebateError
from debate.host import ours
from debate.host.beneath import Tree
from debate.host.files import workspace_name
from debate.host.http_files import offered
from debate.images import iso
from debate.images.network import IPXE, lacking, not_for_ipxe
from debate.images.results import writing
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.steps.work import ProfileBuild

DIRECTORY = "netboot"
_PORT = 8000
QEMU = "10.0.2.2"
"""The address of this machine for a guest with QEMU's user network."""


def write(build: ProfileBuild) -> dict[str, Any]:
    """Make the directory, unless it is as it should be. Returns the report.

    Raises DebateError if the system cannot be started over a network.
    """
    build.require_own()
    build.release()
    _require_possible(build)
    record = build.load("network")
    texts = {path: text.encode("latin-1") for path, text in record["texts"].items()}
    files = {path: Artifact.from_json(fields) for path, fields in record["files"].items()}
    known = {**files, **{path: Artifact.of(data) for path, data in texts.items()}}
    directory = build.directory / DIRECTORY
    with writing(build.directory, build.builder.say):
        note = "as it was"
        if not _is(directory, known):
            new = build.directory / f".{DIRECTORY}.{workspace_name('unfinished')}"
            try:
                _fill(build, new, texts, files)
                ours.remove(directory)
                os.rename(new, directory)
            finally:
                ours.remove(new)
            note = ""
    size = sum(artifact.size for artifact in known.values())
    made = {
        "what": f"{shown(directory)}/  {count(len(known), 'file')}, {bytes_shown(size)}",
        "next": f"doit netboot:{build.name} --serve, which offers it by HTTP",
        "file": shown(directory),
        "size": size,
    }
    return {"made": [made], **({"note": note} if note else {})}


def _require_possible(build: ProfileBuild) -> None:
    """Raises DebateError, in the profile, for what keeps the system from being started over a network."""
    root = build.profile()
    boot = root.get("boot")
    place = (boot or root).position
    lacks = lacking(build.store, build.outputs("network")["lacks"])
    if lacks:
        fact = f"the initramfs cannot fetch a system over a network: it has no {', '.join(lacks)}"
        raise DebateError(fact, "write `boot: {network: true}`, or look at what changes the initramfs", place=place)
    argument = not_for_ipxe(build.slice("iso", iso.Slice))
    if argument:
        fact = f"boot: iPXE would read the argument {argument!r} as something else"
        raise DebateError(
            fact, "write it without two spaces in a row, ${, or a word that begins with #, && or ;", place=place
        )


def _fill(build: ProfileBuild, target: Path, texts: Mapping[str, bytes], files: Mapping[str, Artifact]) -> None:
    """Make the new directory ``target``. Raises OSError."""
    ours.make_directory(target)
    with Tree(target) as tree:
        for path in (*texts, *files):
            tree.make_directory(os.path.dirname(path))
    for path, artifact in files.items():
        build.store.copy_out(artifact, target / path)
    with Tree(target) as tree:
        for path, data in texts.items():
            tree.write(path, data)


def _is(directory: Path, known: Mapping[str, Artifact]) -> bool:
    """True if the directory has these files and no others, each with its content."""
    try:
        with Tree(directory) as tree:
            found = {item.path: item for item in tree.walk() if not stat.S_ISDIR(item.mode)}
            if found.keys() != known.keys():
                return False
            for path, artifact in known.items():
                with tree.open(path) as file:
                    if found[path].size != artifact.size or digest_of(file, artifact.size) != artifact.digest:
                        return False
    except OSError:
        return False
    return True


def place_of(address: str, port: str) -> tuple[str, int]:
    """Address and port, with their defaults. Raises DebateError for what is none."""
    try:
        found = str(ipaddress.ip_address(address or "127.0.0.1"))
    except ValueError:
        raise DebateError(
            "is no address", "such as 127.0.0.1 or 0.0.0.0, for all of this machine", place=f"--address {address}"
        ) from None
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise DebateError("is no port", "such as 8000", place=f"--port {port}")
    return found, int(port or _PORT)


def names(build: ProfileBuild) -> list[str]:
    """The files of the directory."""
    record = build.load("network")
    return [*record["texts"], *record["files"]]


def offer(build: ProfileBuild, address: str, port: int, say: Callable[[str], None]) -> None:
    """Offer the directory until this process is interrupted. Raises DebateError if the port is taken."""
    try:
        with offered(build.directory / DIRECTORY, names(build), address, port, say) as server:
            for line in invitation(server.server_name, server.server_port):
                say(line)
            with suppress(KeyboardInterrupt):
                while True:
                    threading.Event().wait(1)  # A signal just before a wait without end would be noticed after it.
    except OSError as error:
        raise DebateError(
            str(error.strerror), "choose another --port or --address", place=f"{address} port {port}"
        ) from None


def invitation(address: str, port: int) -> list[str]:
    """What to do with a server, in lines."""
    host, who = f"[{address}]" if ":" in address else address, "on a machine of the network"
    reached = ipaddress.ip_address(address)
    if reached.is_loopback:
        host, who = QEMU, "in a guest of QEMU on this machine (-nic user)"
    elif reached.is_unspecified:
        host = "ADDRESS-OF-THIS-MACHINE"
    return [
        f"offered at {address} port {port} until Ctrl-C",
        f"iPXE, {who}:  dhcp && set base http://{host}:{port}/ && chain ${{base}}{IPXE}",
    ]
