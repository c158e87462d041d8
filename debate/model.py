"""The values that the parts of debate exchange."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from debate import keys
from debate.artifact import Artifact as Artifact
from debate.entry import Contents, Entry
from debate.text.amounts import bytes_shown

MIRROR = "/run/mirror"
"""Path in a sandbox of package archives that are directories of the host."""
SECRETS = "/run/secret"
"""Path in a sandbox of what is in no file of the store."""
PROXY_PORT = 3128
"""Port of the proxy on the loopback interface of a sandbox with a network."""


@dataclass(frozen=True)
class Reach:
    """What a step with a network may connect to, besides the ports 80 and 443 of public addresses.

    Endpoints are ``HOST:PORT``, in the form of `debate.sandbox.addresses.endpoint`.
    """

    public: tuple[str, ...] = ()
    """Endpoints that a profile names: only while their addresses are public."""
    trusted: tuple[str, ...] = ()
    """Endpoints that the settings or the host's package manager name: whatever their addresses are."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """The host's proxies: ``http`` and ``https`` -> address, ``http::HOST`` -> address or ``DIRECT``, ``no`` -> hosts
    without one, as in the variable no_proxy."""

    @property
    def endpoints(self) -> tuple[str, ...]:
        return self.public + self.trusted


@dataclass(frozen=True)
class Locked:
    """One package of a lock."""

    name: str
    version: str
    architecture: str
    repository: str
    """Name of the archive: the distribution's own, or a repository of the profile."""
    path: str
    """Path below the archive's root."""
    size: int
    """Bytes."""
    sha256: str
    """64 hex digits."""
    signature: str = ""
    """A detached OpenPGP signature in base64, where packages are signed one by one."""
    essential: bool = False
    """True if a repository of the profile calls it essential, which puts it into the system unasked."""
    replaces: str = ""
    """An archive of the distribution that has a package of this name, if this one is of a repository of the profile."""
    installed: int = field(default=0, compare=False)
    """Bytes that it takes when it is installed, as the archive's index says; 0 if unknown. Nothing relies on it."""

    def to_json(self) -> dict[str, Any]:
        """The form in a lock."""
        optional = ("signature", "essential", "replaces", "installed")
        return {name: value for name, value in vars(self).items() if name not in optional or value}

    @property
    def identity(self) -> tuple[str, str]:
        """Name and architecture, which are unique in a system."""
        return self.name, self.architecture

    @property
    def artifact(self) -> Artifact:
        return Artifact(keys.digest(self.sha256), self.size)


@dataclass(frozen=True)
class Command:
    """A script of ``sandbox/`` and how it runs."""

    script: str
    root: str = "tools"
    """``tools``: the tools tree, read-only. ``system``: the layers under a writable directory. ``made``: the tree that
    the command before left in /run/work/root, read-only."""
    rights: str = "data"
    """Its rights: a kind in `debate.sandbox.rights`."""
    pack_upper: bool = False
    """Show the changes of earlier commands to the layers as /run/upper."""
    show_layers: bool = False
    """Show the stacked layers, including the changes of earlier commands, as /run/layers, read-only."""
    show_left: bool = False
    """Show what the command before left in its /run/work as /run/left, read-only."""
    stdout: str = ""
    """The output to which its standard output goes, which is hashed and stored meanwhile; empty for the log."""


@dataclass(frozen=True)
class Step:
    """The input of a sandbox, and so all that its outputs can depend on. Pure data, without paths of the host."""

    name: str
    commands: tuple[Command, ...]
    outputs: tuple[str, ...]
    """Names of the files that commands write to /run/out. Commands that run strangers' programs do not have it."""
    epoch: int
    """SOURCE_DATE_EPOCH, in seconds since 1970."""
    parameters: Mapping[str, bytes] = field(default_factory=dict)
    """Small files in /run/in, by name."""
    trees: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """Tar files in /run/in, packed when the step runs."""
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    """Cached files in /run/in, by name (with ``/`` for a directory)."""
    layers: tuple[Artifact, ...] = ()
    """Images of the system's layers, the lowest first."""
    tools: Artifact | None = None
    """The tools tree; None for the host's own tools, with which the tools tree itself is made."""
    composed: str = ""
    """The output that consists of `inputs` for the most part, and is kept as a `debate.composition`. It is a command's
    standard output. How it is kept changes no byte of it, so this is in no key."""


@dataclass(frozen=True)
class Supplies:
    """What a step needs from the host that runs it. It must not affect the outputs, and so is not in the key."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files in /run/in, by name, with sources and trusted keys, such as mirrors and keyrings."""
    contents: Contents = field(default_factory=dict)
    """Digest -> content of each file in the step's trees."""
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    """Cached files in /run/in, by name."""
    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Directories of the host that hold an archive, shown below `MIRROR` by name."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Files of the host that nobody else may read, shown below `SECRETS` by name. The sandbox has copies in memory."""
    reach: Reach = field(default_factory=Reach)
    """Where its commands with a network may connect to; without any endpoint they have none."""
    writes: int | None = None
    """Bytes that it is expected to write; None if unknown."""


@dataclass(frozen=True)
class Result:
    """The result of a step."""

    step: str
    key: str
    ingredients: Mapping[str, Any]
    """The values that the key is computed from."""
    outputs: Mapping[str, Artifact]
    source: Literal["local", "remote", "built"]
    """From the local store, from the remote, or built just now."""
    seconds: float
    """How long the step took when it was built, not how long the lookup took."""
    log: str = ""
    """Path of the log that this run wrote; empty if no sandbox ran."""
    origin: str = "here"
    """On whose word it has these outputs: see `debate.cache.action.Action.source`."""
    signer: str = ""
    """See `debate.cache.action.Action.signer`."""

    @property
    def cached(self) -> bool:
        """True if nothing had to run."""
        return self.source != "built"


@dataclass
class Activity:
    """The progress of a running step. The threads that run it write here; the display reads."""

    name: str
    expected: float = 0.0
    """Seconds that it took the last time; 0 if unknown."""
    started: float = field(default_factory=time.monotonic)
    line: str = ""
    """The last line of its output."""
    total: int = 0
    """Bytes that it will write; 0 if unknown."""
    written: Callable[[], int] = lambda: 0
    """Returns the bytes that it has written to its outputs so far."""
    stream: Callable[[str], None] | None = None
    """Called with each line of its output."""
    reported: float = 0.0
    """Elapsed seconds at which it was last reported as running."""
    _rest: bytes = b""

    def receive(self, chunk: bytes) -> None:
        """Process a part of the step's output. It is untrusted, and shown through the door only."""
        *lines, self._rest = (self._rest + chunk)[-(1 << 16) :].split(b"\n")
        for line in lines:
            self.show(line.decode(errors="replace").rpartition("\r")[2])

    def show(self, line: str) -> None:
        """Process one line of output of the step or of a guest."""
        text = line.strip()
        if text:
            self.line = text
            if self.stream:
                self.stream(text)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def amount(self) -> str:
        """Bytes written, with the total if it is known; empty if none."""
        written = self.written()
        if self.total:
            return f"{bytes_shown(written)} of {bytes_shown(self.total)}"
        return f"{bytes_shown(written)} written" if written else ""

    def share(self) -> float | None:
        """Progress from 0 to 1, by bytes or by the time that the step took before; None if unknown."""
        if self.total:
            return min(1.0, self.written() / self.total)
        return self.elapsed / self.expected if self.elapsed < self.expected else None
