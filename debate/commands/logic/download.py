"""Fetches the files of an image into its directory: of a composed one, the parts that this machine does not have."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from debate import keys
from debate.cache import compose
from debate.cache.store import Store
from debate.host.files import temporary_beside
from debate.remote.remote import other_file, require_room

if TYPE_CHECKING:
    from debate.artifact import Artifact
    from debate.composition import Composition
    from debate.model import Activity
    from debate.remote.remote import Remote
    from debate.remote.statements import Statement

_PARTS = ".parts"


class Download:
    """One download into ``directory``, with its progress in ``activity``.

    What is fetched goes into a store of its own in that directory first, since whoever pulls may not write to the
    cache. After an interruption it is still there, and is not fetched again.
    """

    def __init__(self, remote: Remote, directory: Path, activity: Activity) -> None:
        self._remote, self._directory, self._activity = remote, directory, activity
        self._fetched = Store(directory / _PARTS, remote.say)

    def run(self, files: Mapping[str, Artifact], statement: Statement) -> int:
        """Fetch what is not there already, by its name. Returns the bytes fetched. Raises RegistryError and OSError."""
        wanted = {name: file for name, file in files.items() if not self._is_there(name, file)}
        composed = {
            file: self._remote.composition(file, statement)
            for file in wanted.values()
            if file.digest in statement.composed
        }
        parts = {part for composition in composed.values() for part in composition.parts}
        objects = {part for part in parts | set(wanted.values()) - composed.keys() if not self._has(part)}
        require_room(self._directory, [*wanted.values(), *objects])
        with self._progress(sum(artifact.size for artifact in objects)):
            for artifact in sorted(objects, key=lambda artifact: artifact.size):
                self._remote.fetch(artifact, self._fetched)
        for name, file in wanted.items():
            self._write(self._directory / name, file, composed.get(file))
        shutil.rmtree(self._directory / _PARTS, ignore_errors=True)
        return sum(artifact.size for artifact in objects)

    def _is_there(self, name: str, artifact: Artifact) -> bool:
        path = self._directory / name
        return path.exists() and path.stat().st_size == artifact.size and keys.sha256_file(path) == artifact.digest

    def _has(self, artifact: Artifact) -> bool:
        return self._remote.store.has(artifact) or self._fetched.has(artifact)

    def _open(self, artifact: Artifact) -> BinaryIO:
        store = self._fetched if self._fetched.has(artifact) else self._remote.store
        return store.open(artifact)

    @contextmanager
    def _progress(self, total: int) -> Iterator[None]:
        self._activity.total, self._activity.written = total, lambda: _bytes(self._directory / _PARTS)
        try:
            yield
        finally:
            self._activity.total, self._activity.written = 0, lambda: 0

    def _write(self, target: Path, artifact: Artifact, composition: Composition | None) -> None:
        temporary = temporary_beside(target)
        try:
            with temporary.open("xb") as file:
                if composition is None:
                    (self._fetched if self._fetched.has(artifact) else self._remote.store).copy(artifact, file)
                else:
                    compose.write(composition, self._open, file)
            if keys.sha256_file(temporary) != artifact.digest:
                raise other_file(artifact)
            os.replace(temporary, target)
        except ValueError as error:
            raise other_file(artifact) from error
        finally:
            temporary.unlink(missing_ok=True)


def _bytes(directory: Path) -> int:
    """Bytes of all files below a directory that changes meanwhile."""
    total = 0
    for name, _, files in os.walk(directory):
        for file in files:
            try:
                total += os.lstat(os.path.join(name, file)).st_size
            except OSError:
                continue
    return total
