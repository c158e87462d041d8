"""Fetches the files of an image into its directory: of a composed one, the parts that this machine does not have."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from debate import keys
from debate.cache import compose
from debate.cache.store import Store, digest_of
from debate.host import ours
from debate.host.beneath import Tree
from debate.host.files import new_file, temporary_beside
from debate.remote.errors import RegistryError
from debate.remote.remote import other_file, require_room

if TYPE_CHECKING:
    from debate.artifact import Artifact
    from debate.composition import Composition
    from debate.model import Activity
    from debate.remote.remote import Remote
    from debate.remote.statements import Statement

_PARTS = ".parts"
_TRIES = 3


class Download:
    """One download into ``directory``, with its progress in ``activity``.

    What is fetched goes into a store of its own in that directory first, since whoever pulls may not write to the
    cache. After an interruption it is still there, and is not fetched again.
    """

    def __init__(self, remote: Remote, directory: Path, activity: Activity) -> None:
        self._remote, self._directory, self._activity = remote, directory, activity
        self._fetched = Store(directory / _PARTS, remote.say)
        self._bytes = 0

    def run(self, files: Mapping[str, Artifact], statement: Statement) -> int:
        """Fetch what is not there already, by its name. Returns the bytes fetched. Raises RegistryError and OSError.

        All files are there and verified before the first gets its name.
        """
        wanted = {name: file for name, file in files.items() if not self._is_there(name, file)}
        composed = {
            file: self._remote.composition(file, statement)
            for file in wanted.values()
            if file.digest in statement.composed
        }
        if not ours.is_directory(self._fetched.root):
            ours.remove(self._fetched.root)  # Such as a link that git carried here.
        made = {self._directory / name: temporary_beside(self._directory / name) for name in wanted}
        try:
            self._make(dict(zip(made.values(), wanted.values(), strict=True)), composed)
            for target, temporary in made.items():
                ours.move(temporary, target)
        finally:
            for temporary in made.values():
                temporary.unlink(missing_ok=True)
        shutil.rmtree(self._fetched.root, ignore_errors=True)
        return self._bytes

    def _make(self, files: Mapping[Path, Artifact], composed: Mapping[Artifact, Composition]) -> None:
        """Fetch what the new ``files`` need, and write them."""
        for _ in range(_TRIES):
            self._fetch([file for file in files.values() if file not in composed], self._remote.store.has)
            parts = [part for composition in composed.values() for part in composition.parts]
            self._fetch(parts, self._remote.store.has_object)
            require_room(self._directory, files.values())
            try:
                for path, file in files.items():
                    self._write(path, file, composed.get(file))
                return
            except FileNotFoundError:
                continue  # A collector took from the cache what was there a moment ago.
        raise RegistryError("the cache loses parts while they are used", "run doit gc, and then the same command again")

    def _fetch(self, artifacts: Iterable[Artifact], has: Callable[[Artifact], bool]) -> None:
        wanted = [each for each in dict.fromkeys(artifacts) if not has(each) and not self._fetched.has_object(each)]
        require_room(self._directory, wanted)
        self._activity.total = sum(artifact.size for artifact in wanted)
        self._activity.written = lambda: sum(map(self._arrived, wanted))
        try:
            for artifact in sorted(wanted, key=lambda artifact: artifact.size):
                self._remote.fetch(artifact, self._fetched)
                self._bytes += artifact.size
        finally:
            self._activity.total, self._activity.written = 0, lambda: 0

    def _arrived(self, artifact: Artifact) -> int:
        for path in (self._fetched.incoming_path(artifact), self._fetched.path(artifact)):
            with suppress(OSError):
                return path.stat().st_size
        return 0

    def _is_there(self, name: str, artifact: Artifact) -> bool:
        """True if the file is there. What is no regular file, or has another size, is not read."""
        try:
            with Tree(self._directory) as tree, tree.open(name) as file:
                is_of_size = os.fstat(file.fileno()).st_size == artifact.size
                return is_of_size and digest_of(file, artifact.size) == artifact.digest
        except OSError:
            return False

    def _store(self, artifact: Artifact) -> Store:
        """The one that has it."""
        return self._fetched if self._fetched.has_object(artifact) else self._remote.store

    def _open(self, artifact: Artifact) -> BinaryIO:
        return self._store(artifact).open(artifact)

    def _write(self, path: Path, artifact: Artifact, composition: Composition | None) -> None:
        ours.remove(path)  # Of an earlier try.
        with new_file(path, 0o644) as file:
            if composition is None:
                self._store(artifact).copy(artifact, file)
            else:
                try:
                    compose.write(composition, self._open, file)
                except ValueError as error:
                    raise other_file(artifact) from error
        if keys.sha256_file(path) != artifact.digest:
            raise other_file(artifact)
