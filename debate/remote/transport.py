"""The interface of all kinds of remotes, and the table of kinds.

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
from debate.text.printable import quoted
from debate.text.suggest import one_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
"""Media type of all manifests, OCI image specification 1.1."""


class Transport(Protocol):
    """Blobs, named by digest, and manifests, named by tag, at one address. Thread-safe.

    Every method raises `debate.remote.errors.RegistryError` if the remote fails.
    """

    def manifest(self, tag: str) -> bytes | None:
        """The manifest with this tag; None if there is none."""

    def put_manifest(self, tag: str, data: bytes) -> None:
        """Store a manifest under a tag. All blobs that it names must exist."""

    def has(self, digest: str) -> bool:
        """True if the remote has the blob."""

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        """Write a blob to ``file``, verified and synced. Continues an earlier attempt.

        Raises WrongBytesError, and truncates the file, if the content does not match the digest.
        """

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Send a blob, unless the remote has it. Returns True if it was sent.

        Raises StoppedError once ``stopping`` returns True.
        """

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True)
class Kind:
    """One kind of remote."""

    module: str
    address: str
    """Regular expression for what follows ``SCHEME://``."""
    form: str
    """The form of an address, for messages."""


_LAST_PORT = 65_535
_REPOSITORY = r"/[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
"""The grammar of <name> in the OCI distribution specification 1.1."""

KINDS = {
    "oci": Kind("debate.remote.oci", rf"[A-Za-z0-9.-]+(:[0-9]{{1,5}})?{_REPOSITORY}", "oci://HOST[:PORT]/REPOSITORY"),
    "oci+http": Kind(
        "debate.remote.oci",
        rf"(localhost|127\.[0-9.]+)(:[0-9]{{1,5}})?{_REPOSITORY}",
        "oci+http://localhost[:PORT]/REPOSITORY, since only this host can be used without TLS",
    ),
}
"""Scheme of the setting ``remote`` -> kind."""


def kind(address: str) -> Kind:
    """The kind of remote at ``address``. Raises DebateError if the address is invalid."""
    scheme, _, rest = address.partition("://")
    found = KINDS.get(scheme)
    if found is None:
        remedy = one_of("scheme", [f"{name}://" for name in KINDS])
        raise DebateError(f"{quoted(address)} has an unknown scheme", remedy, place="setting remote")
    port = rest.partition("/")[0].partition(":")[2]
    if not re.fullmatch(found.address, rest) or (port and not 1 <= int(port) <= _LAST_PORT):
        raise DebateError(f"{quoted(address)} is not a valid address", f"write {found.form}", place="setting remote")
    return found


def connect(settings: Settings) -> Transport:
    """A transport to the remote of the settings. Raises DebateError for a bad address or unreadable credentials."""
    transport: Transport = importlib.import_module(kind(settings.remote).module).connect(settings)
    return transport
