"""What debate asks of a remote of any kind, and the table of the kinds that there are.

A kind of remote is a module with a function ``connect(settings) -> Transport``, and a row in `KINDS`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from debate.errors import DebateError
from debate.model import Artifact
from debate.settings import Settings

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
"""Media type of all manifests, OCI image specification 1.1."""


class Transport(Protocol):
    """Blobs, named by digest, and manifests, named by tag, at one address. May be used by several threads.

    Every method raises `debate.remote.errors.RegistryError` where the remote fails.
    """

    def manifest(self, tag: str) -> bytes | None:
        """The manifest with this tag, None if there is none."""

    def put_manifest(self, tag: str, data: bytes) -> None:
        """Set a tag. All blobs that the manifest names are there already."""

    def has(self, digest: str) -> bool:
        """Whether the remote has a blob."""

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        """Write a blob to ``file``, verified and synced, from where an earlier attempt left it.

        Raises WrongBytesError where other bytes came; then the file is empty.
        """

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Send a blob unless the remote has it. Returns whether it was sent.

        Raises StoppedError once ``stopping`` returns True.
        """

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True)
class Kind:
    """One kind of remote."""

    module: str
    address: str
    """Regular expression of what follows ``SCHEME://``."""
    form: str
    """The same for people."""


_REPOSITORY = r"/[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
"""The grammar of <name> in the OCI distribution specification 1.1."""

KINDS = {
    "oci": Kind("debate.remote.oci", rf"[A-Za-z0-9.-]+(:[0-9]+)?{_REPOSITORY}", "oci://HOST[:PORT]/REPOSITORY"),
    "oci+http": Kind(
        "debate.remote.oci",
        rf"(localhost|127\.[0-9.]+)(:[0-9]+)?{_REPOSITORY}",
        "oci+http://localhost[:PORT]/REPOSITORY, as only this host may be asked without TLS",
    ),
}
"""Scheme of the setting ``remote`` -> kind."""


def kind(address: str) -> Kind:
    """The kind of remote at ``address``. Raises DebateError for an address that no kind has."""
    scheme, _, rest = address.partition("://")
    found = KINDS.get(scheme)
    if found is None:
        remedy = f"choose one of {', '.join(f'{name}://' for name in KINDS)}"
        raise DebateError(f"{address!r} has an unknown scheme", remedy, place="setting remote")
    if not re.fullmatch(found.address, rest):
        raise DebateError(f"{address!r} is not a valid address", f"write {found.form}", place="setting remote")
    return found


def connect(settings: Settings) -> Transport:
    """A transport to the remote of the settings. Raises DebateError for a bad address or unreadable credentials."""
    transport: Transport = importlib.import_module(kind(settings.remote).module).connect(settings)
    return transport
