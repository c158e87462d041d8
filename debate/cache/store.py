"""The local store.

    CACHE/
        objects/sha256/ab/REST      immutable files of mode 0444, named by their content, with the time 0
        actions/KEY.json            what a step with this key made
        locks/KEY                   held (flock) by the builder that is making KEY
        tmp/NAME/                   a builder's working directory; its `lock` (flock) is held while it lives
        tmp/NAME                    a small file on its way into the store

Everything is written under tmp/, synced and renamed, so that a reader sees all of a file or none.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from debate import keys
from debate.model import Artifact

_numbers = itertools.count(1)
_UNTOUCHED = 0
"""Time of modification of objects, in nanoseconds since 1970."""
_MODE = 0o444
"""Mode of objects."""


class Store:
    """The store at ``root``, made on first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact's bytes lie, or would lie."""
        algorithm, _, digits = artifact.digest.partition(":")
        return self.root / "objects" / algorithm / digits[:2] / digits[2:]

    def has(self, artifact: Artifact) -> bool:
        """Whether the artifact is there, whole. An object that is not what its name says is removed.

        Objects are read again only when something wrote to them, which moves their time, or when someone else
        could have: an object belongs to this user or to root, and none may write to it.
        """
        path = self.path(artifact)
        try:
            found = os.stat(path)
            owned = found.st_uid in (0, os.geteuid()) and stat.S_IMODE(found.st_mode) == _MODE
            if found.st_size == artifact.size and found.st_mtime_ns == _UNTOUCHED and owned:
                return True
            if not owned:
                self._own(path)
            whole = found.st_size == artifact.size and keys.sha256_file(path) == artifact.digest
        except OSError:
            return False  # Not there; removed by another builder just now; or not for this user to read.
        with contextlib.suppress(OSError):  # It may be that this user can only look.
            if whole:
                os.utime(path, ns=(_UNTOUCHED, _UNTOUCHED))
            else:
                path.unlink()
        return whole

    @staticmethod
    def _own(path: Path) -> None:
        """Nobody else may write to ``path`` from now on. Before it is read: not after."""
        with contextlib.suppress(OSError):
            os.chown(path, os.geteuid(), os.getegid())
            os.chmod(path, _MODE)

    def lookup(self, key: str, names: Collection[str] = ()) -> dict[str, Any] | None:
        """The action ``key`` if all its outputs are here, ``names`` among them."""
        try:
            action: dict[str, Any] = json.loads((self.root / "actions" / f"{key}.json").read_bytes())
            outputs = {name: Artifact(**fields) for name, fields in action["outputs"].items()}
            seconds = float(action["seconds"])
            if not outputs.keys() >= set(names) or not all(self.has(artifact) for artifact in outputs.values()):
                return None
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None  # Not there, or damaged: made anew either way.
        return {**action, "outputs": outputs, "seconds": seconds}

    def record(self, key: str, step: str, outputs: Mapping[str, Artifact], seconds: float, **more: Any) -> None:
        """Remember what ``key`` made. Every output must be in the store."""
        action = {
            "step": step,
            "outputs": {name: vars(artifact) for name, artifact in sorted(outputs.items())},
            "seconds": round(seconds, 3),
            **more,
        }
        self._write(self.root / "actions" / f"{key}.json", json.dumps(action, indent=1).encode(), 0o644)

    def adopt(self, path: Path, artifact: Artifact) -> None:
        """Move a synced file, whose digest the caller has computed, into the store."""
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
        _replace(path, temporary, data, mode, sync=True)

    def read(self, artifact: Artifact) -> bytes:
        """The bytes of a small file."""
        return self.path(artifact).read_bytes()

    @contextmanager
    def locked(self, key: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of ``key``. Calls ``waiting`` when another builder has it."""
        directory = self.root / "locks"
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / key, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """A directory of mode 0700 beside the objects, for as long as the context lasts."""
        directory = self.root / "tmp" / name
        directory.mkdir(parents=True, mode=0o700)
        with open(directory / "lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield directory
            finally:
                shutil.rmtree(directory, ignore_errors=True)

    def abandoned(self) -> Iterator[str]:
        """Names of workspaces whose builder is gone, with those inside. Removes each after it was yielded."""
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


def _started(process: int) -> str:
    """When a process started, in clock ticks since boot; see proc_pid_stat(5), field 22."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]


def workspace_name(label: str) -> str:
    """A name no other workspace has, from which `is_builder_alive` can tell its builder."""
    process = os.getpid()
    return f"{process}-{_started(process)}-{next(_numbers)}-{label}"


def is_builder_alive(name: str) -> bool:
    """Whether the process that made the workspace ``name`` still runs on this machine."""
    process, started, *_ = [*name.split("-"), "", ""]
    try:
        return process.isdigit() and _started(int(process)) == started
    except OSError:
        return False


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, temporary_beside(path), data, 0o644, sync=False)


def temporary_beside(path: Path) -> Path:
    """A name for what is to become ``path``; `sweep` finds it when its writer was killed."""
    return path.with_name(f".{path.name}.{workspace_name(_UNFINISHED)}")


_UNFINISHED = "unfinished"


def sweep(directory: Path) -> None:
    """Remove files below ``directory`` that killed processes were writing."""
    for path in directory.rglob(f".*-{_UNFINISHED}"):
        if not is_builder_alive(path.name.rpartition(".")[2]):
            path.unlink(missing_ok=True)


def _replace(path: Path, temporary: Path, data: bytes, mode: int, *, sync: bool) -> None:
    try:
        with temporary.open("wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
