"""A remote in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Self

import pytest

from debate.model import Artifact
from debate.remote import transport
from debate.remote.errors import RegistryError, StoppedError


@dataclass
class Shelf:
    """A transport that keeps everything in memory, and fails on demand."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    failure: Exception | None = None
    asked: int = 0
    closed: int = 0
    pulled: list[str] = field(default_factory=list)
    """Digests of the blobs that were fetched."""

    def check(self) -> None:
        self.asked += 1
        if self.failure:
            raise self.failure

    def manifest(self, tag: str) -> bytes | None:
        self.check()
        return self.manifests.get(tag)

    def put_manifest(self, tag: str, data: bytes) -> None:
        self.manifests[tag] = data

    def has(self, digest: str) -> bool:
        return digest in self.blobs

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        self.pulled.append(artifact.digest)
        if not self.has(artifact.digest):
            raise RegistryError("the registry answered 404")
        file.write(self.blobs[artifact.digest])

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        self.check()
        if stopping():
            raise StoppedError
        sent = not self.has(artifact.digest)
        self.blobs[artifact.digest] = path.read_bytes()
        return sent

    def close(self) -> None:
        self.closed += 1

    @classmethod
    def add(cls, monkeypatch: pytest.MonkeyPatch) -> Self:
        """Another kind of remote, added as the documentation says: a module, and a row."""
        made, module = cls(), ModuleType("tests_shelf")
        vars(module)["connect"] = lambda _: made
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(transport.KINDS, "shelf", transport.Kind(module.__name__, "[0-9]+", "shelf://NUMBER"))
        return made
