"""The values that the parts of debate hand to each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from debate.artifact import Artifact as Artifact
from debate.entry import Contents, Entry
from debate.text.amounts import bytes_shown
from debate.text.printable import printable

MIRROR = "/run/mirror"
"""Where a step finds package archives that are directories of the host."""


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
    """Bytes."""
    sha256: str
    """64 hex digits."""
    signature: str = ""
    """A detached OpenPGP signature in base64, where packages are signed one by one."""

    def to_json(self) -> dict[str, Any]:
        """As a lock has it."""
        return {name: value for name, value in vars(self).items() if name != "signature" or value}

    @property
    def artifact(self) -> Artifact:
        return Artifact(f"sha256:{self.sha256}", self.size)


@dataclass(frozen=True)
class Command:
    """A script of ``sandbox/`` and where it runs."""

    script: str
    root: str = "base"
    """``base``: the sandbox base, read-only. ``system``: the layers, writable on top."""
    rights: str = "data"
    """What it may do: a kind in `debate.sandbox.rights`."""
    pack_upper: bool = False
    """Show what earlier commands wrote on the layers as /run/upper."""
    show_layers: bool = False
    """Show the layers, stacked and with what earlier commands wrote on them, as /run/layers, read-only."""
    stdout: str = ""
    """The output that its standard output is, hashed and stored while it is made; empty: that is for the log."""


def as_lines(words: Iterable[str]) -> bytes:
    """A file of a step, such as a parameter: a word a line."""
    return "".join(f"{word}\n" for word in words).encode()


@dataclass(frozen=True)
class Step:
    """All that a sandbox is given, and so all that its outputs can depend on: pure data, without a path of the host."""

    name: str
    commands: tuple[Command, ...]
    outputs: tuple[str, ...]
    """Names of the files that the commands leave in /run/out."""
    epoch: int
    """SOURCE_DATE_EPOCH, in seconds since 1970."""
    parameters: Mapping[str, bytes] = field(default_factory=dict)
    """Small files in /run/in, by name."""
    trees: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """Tar files in /run/in, packed when the step runs."""
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    """Cached files in /run/in, by name (with ``/`` for a directory)."""
    layers: tuple[Artifact, ...] = ()
    """Images that make up the system, the lowest first."""
    base: Artifact | None = None
    """The sandbox base; None for the host's own tools, out of which the first base is made."""


@dataclass(frozen=True)
class Supplies:
    """What a step needs of the host that runs it. None of it may change the outputs, so none of it is in the key."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files in /run/in that say where things come from and whom to trust, such as mirrors and keyrings, by name."""
    contents: Contents = field(default_factory=dict)
    """Digest -> content of each file in the step's trees."""
    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Directories of the host that hold an archive, shown below `MIRROR` by name."""


@dataclass(frozen=True)
class Result:
    """What became of a step."""

    step: str
    key: str
    ingredients: Mapping[str, Any]
    """What the key is made of."""
    outputs: Mapping[str, Artifact]
    source: Literal["local", "remote", "built"]
    """From the local store, from the remote, or from a sandbox just now."""
    seconds: float
    """How long the step took when it was built, not how long the lookup took."""
    log: str = ""
    """Path of the log that this very run wrote; empty where nothing ran."""

    @property
    def cached(self) -> bool:
        """Whether nothing had to run."""
        return self.source != "built"


@dataclass
class Activity:
    """A step that runs. Threads that work for it write here; the board reads."""

    name: str
    expected: float = 0.0
    """Seconds that it took the last time; 0 where that is not known."""
    started: float = field(default_factory=time.monotonic)
    line: str = ""
    """What it said last."""
    total: int = 0
    """Bytes that it is to write, where that is known."""
    written: Callable[[], int] = lambda: 0
    """Bytes that it has written to its outputs so far."""
    stream: Callable[[str], None] | None = None
    """Where each line of its output goes as well, if anywhere."""
    told: float = 0.0
    """Seconds after which it last said that it runs."""
    _rest: bytes = b""

    def heard(self, chunk: bytes) -> None:
        """Take a part of the step's output. It is untrusted: control characters are not kept."""
        *lines, self._rest = (self._rest + chunk)[-(1 << 16) :].split(b"\n")
        for line in lines:
            self.said(line.decode(errors="replace").rpartition("\r")[2])

    def said(self, line: str) -> None:
        """Take one line that the step, or a guest, has written."""
        text = printable(line).strip()
        if text:
            self.line = text
            if self.stream:
                self.stream(text)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def amount(self) -> str:
        """Bytes written, of how many, or an empty string."""
        written = self.written()
        if self.total:
            return f"{bytes_shown(written)} of {bytes_shown(self.total)}"
        return f"{bytes_shown(written)} written" if written else ""

    def share(self) -> float | None:
        """How far it is, from 0 to 1, by bytes or by the time that it took before."""
        if self.total:
            return min(1.0, self.written() / self.total)
        return min(0.99, self.elapsed / self.expected) if self.expected else None
