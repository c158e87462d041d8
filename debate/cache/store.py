"""The local store.

    CACHE/
        objects/sha256/ab/REST      immutable files of mode 0444, named by their content, with the time 0
        actions/KEY.json            the outputs of a step with this key
        locks/KEY                   locked (flock) by the builder that is making KEY
        locks/removing              locked shared during a lookup, exclusively while objects are removed
        running/NAME                locked (flock) by a builder as long as it runs
        outputs/NAME                the path of an output directory whose records name objects
        incoming/HEX                an object that is being downloaded, locked (flock) by the downloading process
        tmp/NAME/                   a builder's working directory; its file `lock` is locked (flock) while it lives
        tmp/NAME                    a small file before it is renamed into place

Everything is written under tmp/ or incoming/, synced and renamed, so that readers never see a partial file.

The time of an object's last use is its st_ctime, which changes when it is made, linked into a sandbox, or touched by
`Store.has`. `debate.cache.collect` removes the least recently used objects.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from debate import keys
from debate.artifact import Artifact
from debate.host.files import is_builder_alive, replace_file, workspace_name

_UNTOUCHED = 0
"""Modification time of objects, in nanoseconds since 1970."""
_MODE = 0o444
"""Mode of objects."""
_FRESH = 30.0
"""Seconds for which a further use is not recorded."""


class Store:
    """The store at ``root``, created on first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, artifact: Artifact) -> Path:
        """Path of the artifact, which need not be in the store."""
        return self.path_of(artifact.digest)

    def path_of(self, digest: str) -> Path:
        """Path of an object, which need not be in the store."""
        algorithm, _, digits = digest.partition(":")
        return self.root / "objects" / algorithm / digits[:2] / digits[2:]

    def has(self, artifact: Artifact) -> bool:
        """True if the artifact is in the store, intact. An object whose content does not match its digest is removed.

        An object is read again only if someone may have written to it: its modification time changed, it belongs to
        another user, or its mode permits writing. A lookup counts as a use, so the object is not collected while this
        builder runs.
        """
        path = self.path(artifact)
        try:
            if time.time() - os.stat(path).st_ctime < _FRESH:
                return self._whole(path, artifact)
            with self.removing(shared=True):
                return self._whole(path, artifact)
        except OSError:
            return False  # Missing, just removed by another builder, or not readable for this user.

    def _whole(self, path: Path, artifact: Artifact) -> bool:
        found = os.lstat(path)
        whole = stat.S_ISREG(found.st_mode) and found.st_size == artifact.size
        if not (whole and found.st_mtime_ns == _UNTOUCHED and _is_safe(found)):
            if not _is_safe(found):
                self._own(path)
                whole = whole and _is_safe(os.lstat(path))
            whole = whole and keys.sha256_file(path) == artifact.digest
        elif time.time() - found.st_ctime < _FRESH:
            return True
        with contextlib.suppress(OSError):  # The store may be read-only for this user.
            if whole:
                os.utime(path, ns=(_UNTOUCHED, _UNTOUCHED), follow_symlinks=False)
            else:
                path.unlink()
        return whole

    @staticmethod
    def _own(path: Path) -> None:
        """Make ``path`` unwritable for all other users, before it is read.

        Only if it is a regular file: who can write to the store could link from there to any file.
        """
        with (
            contextlib.suppress(OSError),
            open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file,
        ):
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fchown(file.fileno(), os.geteuid(), os.getegid())
                os.fchmod(file.fileno(), _MODE)

    def lookup(self, key: str, names: Collection[str] | None = None) -> dict[str, Any] | None:
        """The action ``key``, if all its outputs are in the store, and they are ``names`` unless that is None."""
        try:
            action: dict[str, Any] = json.loads((self.root / "actions" / f"{key}.json").read_bytes())
            outputs = {name: Artifact.from_json(fields) for name, fields in action["outputs"].items()}
            seconds = float(action["seconds"])
            if names is not None and outputs.keys() != set(names):
                return None
            if not all(self.has(artifact) for artifact in outputs.values()):
                return None
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None  # Missing or damaged: it is made again either way.
        return {**action, "outputs": outputs, "seconds": seconds}

    def record(self, key: str, step: str, outputs: Mapping[str, Artifact], seconds: float, **more: Any) -> None:
        """Store the action ``key``. Its outputs must be in the store."""
        action = {
            "step": step,
            "outputs": {name: vars(artifact) for name, artifact in sorted(outputs.items())},
            "seconds": round(seconds, 3),
            **more,
        }
        self._write(self.root / "actions" / f"{key}.json", json.dumps(action, indent=1).encode(), 0o644)

    def adopt(self, path: Path, artifact: Artifact) -> None:
        """Move a synced file into the store. The caller has computed its digest."""
        target = self.path(artifact)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.chmod(path, _MODE)
        os.utime(path, ns=(_UNTOUCHED, _UNTOUCHED))
        os.replace(path, target)

    def put(self, data: bytes) -> Artifact:
        """Store a small file."""
        artifact = Artifact(keys.sha256(data), len(data))
        if not self.has(artifact):
            self._write(self.path(artifact), data, _MODE)
            os.utime(self.path(artifact), ns=(_UNTOUCHED, _UNTOUCHED))
        return artifact

    def _write(self, path: Path, data: bytes, mode: int) -> None:
        temporary = self.root / "tmp" / workspace_name("file")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, temporary, data, mode, sync=True)

    def read(self, artifact: Artifact) -> bytes:
        """The bytes of a small file."""
        return self.path(artifact).read_bytes()

    @contextmanager
    def locked(self, key: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of ``key``. Calls ``waiting`` once if another builder holds it."""
        directory = self.root / "locks"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / key
        while True:
            with path.open("wb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    waiting()
                    fcntl.flock(file, fcntl.LOCK_EX)
                if _is_still(path, file):
                    yield
                    return

    @contextmanager
    def removing(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock for removing objects; with ``shared``, keep others from removing objects during a lookup."""
        path = self.root / "locks" / "removing"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            if not shared:
                raise
            yield  # The store is read-only for this user, so others may remove what was just looked up.
            return
        try:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def announce(self, output: Path) -> None:
        """Register this process as a builder into ``output`` until it ends, so that objects that it uses are kept.

        Does nothing if the store is read-only for this user.
        """
        with contextlib.suppress(PermissionError), _unless_read_only():
            self._announce(output)

    def _announce(self, output: Path) -> None:
        name = workspace_name("builder")
        running = self.root / "running" / name
        running.parent.mkdir(parents=True, exist_ok=True)
        with self.removing(shared=True):
            file = os.open(running, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(file, fcntl.LOCK_EX)  # The kernel releases it when this process ends.
        known = self.root / "outputs" / keys.digits(keys.sha256(os.fsencode(output)))[:32]
        if not known.exists():
            self._write(known, os.fsencode(output), 0o644)
        atexit.register(running.unlink, missing_ok=True)

    def oldest_builder(self) -> float:
        """Start time of the oldest running builder, in seconds since 1970; infinity if none runs."""
        oldest = float("inf")
        for path in _files(self.root / "running"):
            try:
                with path.open("rb") as file:
                    started = os.fstat(file.fileno()).st_mtime
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except BlockingIOError:
                oldest = min(oldest, started)
            except FileNotFoundError:
                continue
        return oldest

    def outputs(self) -> list[Path]:
        """The existing output directories of the checkouts that use this store."""
        found = []
        for path in _files(self.root / "outputs"):
            output = Path(os.fsdecode(path.read_bytes()))
            if output.is_dir():
                found.append(output)
            elif os.access(path.parent, os.W_OK):
                path.unlink(missing_ok=True)
        return sorted(found)

    def objects(self) -> Iterator[tuple[str, os.stat_result]]:
        """Digest and stat of every object, unordered."""
        for algorithm in _directories(self.root / "objects"):
            for start in _directories(algorithm.path):
                with os.scandir(start.path) as entries:
                    for entry in entries:
                        with contextlib.suppress(FileNotFoundError):
                            yield f"{algorithm.name}:{start.name}{entry.name}", entry.stat(follow_symlinks=False)

    def actions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and content of every action, unordered; the content of a damaged one is empty."""
        directory = str(self.root / "actions")
        for name in _names(directory):
            key = name.removesuffix(".json")
            try:
                with open(f"{directory}/{name}", "rb") as file:
                    action = json.loads(file.read())
            except FileNotFoundError:
                continue
            except (ValueError, RecursionError):
                action = None
            yield key, action if isinstance(action, dict) else {}

    def count_actions(self) -> int:
        """The number of actions; reads none of them."""
        return len(_names(self.root / "actions"))

    def forget(self, keys_: Collection[str]) -> None:
        """Remove actions, and their locks unless a builder holds them."""
        directory = str(self.root / "actions")
        for key in keys_:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{directory}/{key}.json")
        for key in set(_names(self.root / "locks")).intersection(keys_):
            with (
                contextlib.suppress(FileNotFoundError, BlockingIOError),
                (self.root / "locks" / key).open("rb") as file,
            ):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(file.name)

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Yield True if no other process is in this context with the same ``name``."""
        directory = self.root / "locks"
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / name, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def incoming(self, artifact: Artifact) -> Iterator[BinaryIO | None]:
        """A file to download an object to, open for reading and writing, with what an earlier attempt wrote.

        None if another builder downloaded it in the meantime. The caller moves it into the store with `adopt`.
        """
        path = self.incoming_path(artifact)
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self.has(artifact):
                    path.unlink(missing_ok=True)
                    yield None
                    return
                if _is_still(path, file):
                    yield file
                    return

    def incoming_path(self, artifact: Artifact) -> Path:
        """Path of an object while it is downloaded."""
        return self.root / "incoming" / keys.digits(artifact.digest)

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """A directory of mode 0700 on the file system of the objects, removed at the end of the context."""
        directory = self.root / "tmp" / name
        directory.mkdir(parents=True, mode=0o700)
        with open(directory / "lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield directory
            finally:
                shutil.rmtree(directory, ignore_errors=True)

    def abandoned(self) -> Iterator[str]:
        """Names of workspaces whose builder has died, and of the workspaces in them. Removes each after yielding it."""
        try:
            names = os.listdir(self.root / "tmp")
        except FileNotFoundError:
            return
        for name in names:
            if is_builder_alive(name):
                continue
            directory = self.root / "tmp" / name
            if not directory.is_dir():
                directory.unlink(missing_ok=True)
                continue
            try:
                with open(directory / "lock", "rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield name
                    yield from (path.name for path in directory.glob("*/cache/tmp/*"))
            except (FileNotFoundError, NotADirectoryError, BlockingIOError):
                continue
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _unless_read_only() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EROFS:
            raise


def _is_safe(found: os.stat_result) -> bool:
    """True if only this user and root can write to the file."""
    return found.st_uid in (0, os.geteuid()) and stat.S_IMODE(found.st_mode) == _MODE


def _is_still(path: Path, file: IO[bytes]) -> bool:
    """True if ``path`` still names the open file. Otherwise other builders lock a different file."""
    try:
        return os.stat(path).st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _directories(path: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _names(directory: str | Path) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _files(directory: Path) -> list[Path]:
    return [directory / name for name in _names(directory)]
