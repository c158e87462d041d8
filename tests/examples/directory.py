"""The transport to a directory that several machines share."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from debate.host.files import temporary_beside, write_atomically
from debate.model import Artifact
from debate.remote.errors import RegistryError, StoppedError, WrongBytesError
from debate.settings import Settings


class Directory:
    """Blobs and manifests are files, named by digest and by tag. See `debate.remote.transport.Transport`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifest(self, tag: str) -> bytes | None:
        with _failures(self.root / tag) as path:
            return path.read_bytes() if path.exists() else None

    def put_manifest(self, tag: str, data: bytes) -> None:
        with _failures(self.root / tag) as path:
            write_atomically(path, data)

    def has(self, digest: str) -> bool:
        return (self.root / digest).exists()

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        found = hashlib.sha256()
        with _failures(self.root / artifact.digest) as path, path.open("rb") as source:
            file.seek(0)
            file.truncate()
            while data := source.read(1 << 20):
                file.write(data)
                found.update(data)
            file.flush()
            os.fsync(file.fileno())
        if f"sha256:{found.hexdigest()}" != artifact.digest:
            file.truncate(0)
            raise WrongBytesError(f"{path} is damaged", "delete it")

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        if stopping():
            raise StoppedError
        if self.has(artifact.digest):
            return False
        with _failures(self.root / artifact.digest) as target:
            temporary = temporary_beside(target)
            try:
                shutil.copyfile(path, temporary)
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _failures(path: Path) -> Iterator[Path]:
    """What the file system refuses is a failure of the remote."""
    try:
        yield path
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror}") from None


def connect(settings: Settings) -> Directory:
    """The directory of the setting ``remote``."""
    with _failures(Path(settings.remote.removeprefix("dir://"))) as root:
        root.mkdir(parents=True, exist_ok=True)
        return Directory(root)
