"""The local store.

    CACHE/
        objects/sha256/ab/REST      immutable files of mode 0444, named by their content, with the time 0
        compositions/HEX.json       how the file with this digest is put together of objects: see `debate.composition`
        actions/KEY.json            the outputs of the step with this key: see `debate.cache.action`
        locks/KEY                   locked (flock) by the builder that is making KEY
        locks/removing              locked shared during a lookup, exclusively while objects are removed
        running/NAME                locked (flock) by a builder as long as it runs
        outputs/NAME                the path of an output directory whose records name objects
        incoming/HEX                an object that is being downloaded, locked (flock) by the downloading process
        tmp/NAME/                   a builder's working directory; its file `lock` is locked (flock) while it lives
        tmp/NAME                    a small file before it is renamed into place

Files to lock have the mode 0600, so that no other user can hold a lock. Directories have the mode 0755; one that others
could write to is taken over: see `debate.cache.directories`. Git can carry a link in the place of each of them. So
whatever lists a directory, or removes something other than its own temporary files from it, does that by `Store.names`,
`Store.listed` and `Store.discard`, which follow none, and looks only at names of the forms above.
Everything is written under tmp/ or incoming/, synced and renamed, so that readers never see a partial file.

The time of an object's last use is its st_ctime, which changes when it is made, linked into a sandbox, or touched by
`Store.has`. `debate.cache.collect` removes the least recently used objects.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from debate import keys
from debate.artifact import Artifact
from debate.cache import compose, directories
from debate.cache.action import HERE, Action
from debate.cache.directories import UNTOUCHED
from debate.composition import MOST_BYTES, Composition
from debate.errors import DebateError
from debate.host import ours
from debate.host.beneath import RefusedError, Tree, chunks
from debate.host.copying import send
from debate.host.files import is_builder_alive, is_workspace_name, new_file, replace_file, workspace_name
from debate.host.locks import held, is_nobody_elses, is_still, lock_file, regular_file
from debate.text.paths import shown

_MODE = 0o444
"""Mode of objects."""
_FRESH = 30.0
"""Seconds for which a further use is not recorded."""
_LARGEST_ACTION = 8 << 20
"""Bytes of an action: that of a step with 10,000 outputs has about a million."""
_DIRECTORIES = (
    "objects", "objects/sha256", "compositions", "actions", "locks", "running", "outputs", "incoming", "tmp"
)  # fmt: skip
_OBJECTS = "objects/sha256"
_OUTPUT = "[0-9a-f]{32}"
_FORMS = {
    "actions": r"[0-9a-f]{64}\.json", "compositions": r"[0-9a-f]{64}\.json", "locks": "[a-z0-9-]+", "outputs": _OUTPUT,
    "incoming": "[0-9a-f]{64}",
}  # fmt: skip
"""Directories of regular files -> the form of their names."""
_LONGEST_PATH = 4096
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Store:
    """The store at ``root``, created on first use."""

    def __init__(self, root: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """``say`` gets a line about everything that was found to be damaged, and what is done about it."""
        self.root, self.say = root, say
        self._said: set[str] = set()

    def path(self, artifact: Artifact) -> Path:
        """Path of the artifact, which need not be in the store."""
        return self.path_of(artifact.digest)

    def path_of(self, digest: str) -> Path:
        """Path of an object, which need not be in the store."""
        algorithm, _, digits = digest.partition(":")
        return self.root / "objects" / algorithm / digits[:2] / digits[2:]

    def has(self, artifact: Artifact) -> bool:
        """True if the artifact is in the store, intact: as an object, or as a composition whose parts are.

        An object whose content does not match its digest is removed. One of another size than ``artifact`` says counts
        as missing, and is neither read nor removed: it may be damaged, and then whoever makes it again replaces it; or
        who asks for that size is wrong, such as a lock or a remote's statement.

        An object is read again only if someone may have written to it: its modification time is another, it belongs to
        another user, or its mode or its directory permits writing. A lookup counts as a use, so the object is not
        collected while this builder runs.
        """
        return self.has_object(artifact) or self.whole_composition(artifact) is not None

    def has_object(self, artifact: Artifact) -> bool:
        """True if the artifact is in the store, intact, and no composition: a part of one must be an object."""
        path = self.path(artifact)
        try:
            if time.time() - os.stat(path).st_ctime < _FRESH:
                return self._has(path, artifact)
            with self.removing(shared=True):
                return self._has(path, artifact)
        except OSError:
            return False  # Missing, just removed by another builder, or not readable for this user.

    def whole_composition(self, artifact: Artifact) -> Composition | None:
        """The composition of an artifact, if the store has all its parts, intact."""
        found = self.composition(artifact.digest)
        whole = found is not None and found.whole == artifact and all(map(self.has_object, found.parts))
        return found if whole else None

    def _has(self, path: Path, artifact: Artifact) -> bool:
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode) and found.st_size != artifact.size:
            self.say_once(
                f"{shown(path)}: has {found.st_size:,} bytes, and is asked for with {artifact.size:,}, so it counts as "
                "missing"
            )
            return False
        untouched = stat.S_ISREG(found.st_mode) and found.st_mtime_ns == UNTOUCHED and _is_safe(found)
        if untouched and self._is_safe_place(path):
            if time.time() - found.st_ctime < _FRESH:
                return True
        elif not self._is_whole(path, artifact.digest):
            return False
        with contextlib.suppress(OSError):  # The store may be read-only for this user.
            os.utime(path, ns=(UNTOUCHED, UNTOUCHED), follow_symlinks=False)
        return os.lstat(path).st_size == artifact.size

    def say_once(self, line: str) -> None:
        """Say a line, unless it was said already."""
        if line not in self._said:
            self._said.add(line)
            self.say(line)

    def _is_safe_place(self, path: Path) -> bool:
        """True if nobody else can have put the object ``path`` there by renaming."""
        return all(map(directories.is_safe, list(path.parents)[:3]))

    def _is_whole(self, path: Path, digest: str) -> bool:
        """Read an object. One that is not whole is removed; one that others could write to becomes a copy of its own.

        They may still have it open, and who can write to the store could link any file there, so what is not whole is
        left as it is but for its name. Raises OSError.
        """
        if not self._is_safe_place(path):
            self._make(path.parent)
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode):
            with open(os.open(path, os.O_RDONLY | _OPEN), "rb") as file:
                found = os.fstat(file.fileno())
                whole = self._can_hold(found.st_size) and digest_of(file, found.st_size) == digest
                if whole and (_is_safe(found) or self._is_copied(file, found.st_size, path, digest)):
                    return True
        self._remove(path, found)
        return False

    def _is_copied(self, file: BinaryIO, size: int, path: Path, digest: str) -> bool:
        """Replace ``path``, which is open, by a copy. False if its content is no longer that of ``digest``."""
        temporary = self._make(self.root / "tmp") / workspace_name("file")
        try:
            with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b") as copy:
                send(file.fileno(), copy.fileno(), size)
                os.fchmod(copy.fileno(), _MODE)
                os.fsync(copy.fileno())
                copy.seek(0)
                if digest_of(copy, size) != digest:
                    return False
            os.replace(temporary, path)
            return True
        finally:
            temporary.unlink(missing_ok=True)

    def _can_hold(self, size: int) -> bool:
        """True if a file of that size fits on the disk. Holes count towards the limits of a step, so all objects do."""
        state = os.statvfs(self.root)
        return size <= state.f_blocks * state.f_frsize

    def _remove(self, path: Path, found: os.stat_result) -> None:
        """Remove the object that was ``found`` to be damaged, but not another that replaced it meanwhile."""
        aside = self._make(self.root / "tmp") / workspace_name("file")
        os.rename(path, aside)
        if os.lstat(aside).st_ino != found.st_ino:
            os.replace(aside, path)
            return
        ours.remove(aside)
        self.say(f"{shown(path)}: its content was not what its name says, so it was removed")

    def verify(self, digest: str) -> bool | None:
        """Read an object. One whose content does not match is removed; None if there is none. Raises OSError."""
        try:
            with self.removing(shared=True):
                return self._is_whole(self.path_of(digest), digest)
        except FileNotFoundError:
            return None  # It was collected in the meantime.

    def secure(self) -> None:
        """Make sure that the directories that exist are ones in which nobody else can write. Raises OSError.

        What is in the place of one, such as a link, is put aside.
        """
        for path in (self.root / name for name in _DIRECTORIES):
            if os.path.lexists(path):
                self._make(path)
        for path in (self.root / _OBJECTS / start for start in self.names(_OBJECTS)):
            if ours.is_directory(path):
                self._make(path)

    def _make(self, path: Path) -> Path:
        """Make a directory of the store, so that nobody else can write to it. Raises OSError."""
        directories.make(path, self.root, self.say)
        return path

    def names(self, directory: str) -> list[str]:
        """The names in a ``directory`` of the store, unsorted; none if it is missing, or no directory."""
        try:
            with Tree(self.root) as tree:
                return tree.names(directory)
        except FileNotFoundError:
            return []
        except (RefusedError, NotADirectoryError):
            place = f"{shown(self.root)}/{directory}"
            self.say_once(f"{place}: is no directory, so nothing in it is used; the next build or doit fsck moves it")
            return []

    def listed(self, directory: str) -> Iterator[tuple[str, os.stat_result]]:
        """Name and status of everything in a ``directory`` of the store, unsorted; nothing if it is no directory."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, RefusedError), Tree(self.root) as tree:
            yield from tree.listed(directory)

    def discard(self, path: Path) -> None:
        """Remove a file or directory of the store, if it is there, and no link is on the way to it. Raises OSError."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, RefusedError), Tree(self.root) as tree:
            tree.remove(str(path.relative_to(self.root)))

    def lookup(self, key: str, names: Collection[str] | None = None) -> Action | None:
        """The action ``key``, if all its outputs are in the store, and they are ``names`` unless that is None."""
        action = self.action(key)
        if action is None or (names is not None and action.outputs.keys() != set(names)):
            return None
        return action if all(map(self.has, action.outputs.values())) else None

    def action(self, key: str) -> Action | None:
        """The action ``key``, whether or not its outputs are there. One that is damaged counts as missing."""
        path = self.action_path(key)
        try:
            if not directories.is_safe(path.parent) and path.parent.exists():
                self._make(path.parent)
            return Action.from_json(key, ours.read(path, _LARGEST_ACTION))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            fact = error.strerror if isinstance(error, OSError) else "is damaged"
            self.say(f"{shown(path)}: {fact}, so the result is looked up elsewhere or made again")
            return None

    def action_path(self, key: str) -> Path:
        """Path of an action, which need not be in the store."""
        return self.root / "actions" / f"{key}.json"

    def record(
        self,
        key: str,
        step: str,
        outputs: Mapping[str, Artifact],
        seconds: float,
        source: str = HERE,
        signer: str = "",
        *,
        held: bool = False,
    ) -> None:
        """Store the action ``key``, on the word of ``source``. Its outputs must be in the store. See `Action.held`."""
        action = Action(key, step, outputs, seconds, source, signer, held)
        self._write(self.action_path(key), json.dumps(action.to_json(), indent=1).encode(), 0o644)

    def adopt(self, path: Path, artifact: Artifact) -> None:
        """Move a synced file into the store. The caller has computed its digest."""
        target = self.path(artifact)
        os.chmod(path, _MODE)
        os.utime(path, ns=(UNTOUCHED, UNTOUCHED))
        with self.removing(shared=True):  # Or a collector could remove it in place of the old one.
            self._make(target.parent)
            ours.move(path, target)

    # Compositions ----------------------------------------------------------------------------------

    def composition(self, digest: str) -> Composition | None:
        """How a file is put together, whether or not its parts are there. One that is damaged counts as missing."""
        path = self._composition_path(digest)
        try:
            if not directories.is_safe(path.parent) and path.parent.exists():
                self._make(path.parent)
            found = Composition.from_json(ours.read(path, MOST_BYTES))
            if found.whole.digest == digest:
                return found
            fact = "is about another file"
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            fact = (error.strerror if isinstance(error, OSError) else "") or "is damaged"
        self.say_once(f"{shown(path)}: {fact}, so the file that it makes counts as missing")
        return None

    def _composition_path(self, digest: str) -> Path:
        return self.root / "compositions" / f"{keys.digits(digest)}.json"

    def compose(self, composition: Composition, written: Path | None = None) -> None:
        """Keep a file as a composition, which the caller has verified. Its parts must be in the store.

        ``written``: the file, on the file system of the store. It becomes the first copy that `copy_out` makes.
        """
        self._write(self._composition_path(composition.whole.digest), composition.to_json(), _MODE)
        self.discard(self.path(composition.whole))  # An earlier version kept it as a whole.
        if written is not None:
            path = self._make(self.root / "tmp") / workspace_name("whole")
            os.rename(written, path)
            _written[self.root, composition.whole] = path
            atexit.register(_unlink, path)

    def compositions(self) -> Iterator[tuple[str, Composition | None]]:
        """Digest of every composed file, unordered, and its composition; None for a damaged one."""
        for name in self.names("compositions"):
            digest = keys.digest(name.removesuffix(".json"))
            if keys.is_digest(digest):
                yield digest, self.composition(digest)

    def drop_composition(self, digest: str) -> None:
        """Remove a composition, and none of its parts."""
        self.discard(self._composition_path(digest))

    def copy(self, artifact: Artifact, target: BinaryIO) -> None:
        """Write the artifact, which must be in the store, to the new file ``target``.

        Raises OSError, and DebateError for a composition that is damaged.
        """
        try:
            with self.open(artifact) as source:
                send(source.fileno(), target.fileno(), artifact.size)
        except FileNotFoundError:
            composition = self.composition(artifact.digest)
            if composition is None:
                raise
            try:
                compose.write(composition, self.open, target)
            except ValueError as error:
                raise self._damaged(artifact, error) from None
            target.flush()

    def content(self, artifact: Artifact) -> Iterator[bytes]:
        """The artifact, which must be in the store, in parts of bounded size. Nothing verifies them.

        Raises OSError, and DebateError for a composition that is damaged.
        """
        try:
            file = self.open(artifact)
        except FileNotFoundError:
            composition = self.composition(artifact.digest)
            if composition is None:
                raise
            try:
                yield from compose.content(composition, self.open)
            except ValueError as error:
                raise self._damaged(artifact, error) from None
        else:
            with file:
                yield from chunks(file, artifact.size)

    def _damaged(self, artifact: Artifact, error: ValueError) -> DebateError:
        return DebateError(f"has {error}", "run doit fsck", place=shown(self._composition_path(artifact.digest)))

    def copy_out(self, artifact: Artifact, target: Path) -> None:
        """Make the new file ``target`` from the artifact, for the user: it is no file of the store. Raises OSError."""
        written = _written.pop((self.root, artifact), None)
        if written is not None:
            try:
                os.chmod(written, 0o644)
                os.rename(written, target)
                return
            except OSError:
                written.unlink(missing_ok=True)  # It is on another file system, or gone.
        with new_file(target, 0o644) as file:
            self.copy(artifact, file)

    def keeps(self, digest: str) -> bool:
        """True if there is an object of this digest, or a composition whose parts are there. Reads none of them."""
        if self.path_of(digest).exists():
            return True
        composition = self.composition(digest)
        return composition is not None and all(self.path(part).exists() for part in composition.parts)

    def is_composed(self, composition: Composition) -> bool:
        """True if the parts, all of which must be in the store, make the file. Reads all of them. Raises OSError."""
        return compose.is_right(composition, self.open)

    def open(self, artifact: Artifact) -> BinaryIO:
        """An object, open for reading. Raises OSError if it is missing, or is no object but a composition."""
        return open(os.open(self.path(artifact), os.O_RDONLY | _OPEN), "rb")

    def put(self, data: bytes) -> Artifact:
        """Store a small file."""
        artifact = Artifact.of(data)
        if not self.has(artifact):
            self._write(self.path(artifact), data, _MODE)
            os.utime(self.path(artifact), ns=(UNTOUCHED, UNTOUCHED))
        return artifact

    def _write(self, path: Path, data: bytes, mode: int) -> None:
        temporary = self._make(self.root / "tmp") / workspace_name("file")
        self._make(path.parent)
        replace_file(path, temporary, data, mode, sync=True)

    def read(self, artifact: Artifact, most: int, *, cut: bool = False) -> bytes:
        """The bytes of an object, or with ``cut`` its first ``most``.

        Raises DebateError if it has more, is missing, or is damaged.
        """
        path, again = self.path(artifact), "run the same command again: it makes the file again first"
        if artifact.size > most and not cut:
            raise DebateError(f"is larger than {most:,} bytes, so it is not read", again, place=shown(path))
        if self.has(artifact):
            with contextlib.suppress(OSError), path.open("rb") as file:
                return file.read(min(artifact.size, most))
        raise DebateError("missing or damaged", again, place=shown(path))

    @contextmanager
    def locked(self, key: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of ``key``. Calls ``waiting`` once if another builder holds it."""
        with held(self._make(self.root / "locks") / key, lambda _: waiting()):
            yield

    @contextmanager
    def removing(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock for removing objects; with ``shared``, keep others from removing objects during a lookup."""
        path = self.root / "locks" / "removing"
        try:
            self._make(path.parent)
            file = lock_file(path, os.O_RDONLY)
        except OSError:
            if not shared:
                raise
            yield  # The store is read-only for this user, so others may remove what was just looked up.
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield

    def announce(self, output: Path) -> None:
        """Register this process as a builder into ``output`` until it ends, so that objects that it uses are kept.

        Does nothing if the store is read-only for this user.
        """
        with contextlib.suppress(PermissionError), _unless_read_only():
            self._announce(output)

    def _announce(self, output: Path) -> None:
        self.secure()
        running = self._make(self.root / "running") / workspace_name("builder")
        with self.removing(shared=True), lock_file(running) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.dup(file.fileno())  # Locked until this process ends.
        known = self.root / "outputs" / _name_of(output)
        if _output(known) != output:
            self._write(known, os.fsencode(output), 0o644)
        atexit.register(_unlink, running)

    def oldest_builder(self) -> float:
        """Start time of the oldest running builder, in seconds since 1970; infinity if none runs."""
        oldest = float("inf")
        for path in (self.root / "running" / name for name in self.names("running") if is_workspace_name(name)):
            try:
                with open(os.open(path, os.O_RDONLY | _OPEN), "rb") as file:
                    found = os.fstat(file.fileno())
                    started = found.st_mtime if is_nobody_elses(path, found) else float("inf")
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.discard(path)
            except BlockingIOError:
                oldest = min(oldest, started)
            except OSError:
                continue  # It has just ended, or is no file of a builder.
        return oldest

    def outputs(self) -> list[Path]:
        """The existing output directories of the checkouts that use this store."""
        return sorted(output for _, output in self._outputs() if output and ours.is_directory(output))

    def forget_outputs(self) -> None:
        """Forget the output directories that are gone."""
        for path, output in self._outputs():
            if output is None:
                fact = "names no output directory, so it was removed; the next build writes it again"
                self.say(f"{shown(path)}: {fact}")
            if output is None or not ours.is_directory(output):
                self.discard(path)

    def _outputs(self) -> Iterator[tuple[Path, Path | None]]:
        """Every file in outputs/, and the directory that it names; None if it is damaged."""
        for path in (self.root / "outputs" / name for name in self.names("outputs")):
            if re.fullmatch(_OUTPUT, path.name):
                yield path, _output(path)

    def objects(self) -> Iterator[tuple[str, os.stat_result]]:
        """Digest and stat of every object, unordered; what is no regular file under such a name is left out."""
        for start in self.names(_OBJECTS):
            for name, found in self.listed(f"{_OBJECTS}/{start}"):
                digest = keys.digest(f"{start}{name}")
                if stat.S_ISREG(found.st_mode) and len(start) == 2 and keys.is_digest(digest):
                    yield digest, found

    def foreign(self) -> Iterator[Path]:
        """What is in the store, and is no object, action, lock or whatever else the store has. Nothing reads it."""
        for path in self._paths("objects"):
            if path.name != "sha256" or not ours.is_directory(path):
                yield path
        for start in self._paths(_OBJECTS):
            if not re.fullmatch("[0-9a-f]{2}", start.name) or not ours.is_directory(start):
                yield start
            else:
                yield from self._misfits(f"{_OBJECTS}/{start.name}", "[0-9a-f]{62}")
        for name, form in _FORMS.items():
            yield from self._misfits(name, form)
        for name in ("running", "tmp"):
            yield from (path for path in self._paths(name) if not is_workspace_name(path.name))

    def _paths(self, directory: str) -> list[Path]:
        return [self.root / directory / name for name in self.names(directory)]

    def _misfits(self, directory: str, form: str) -> Iterator[Path]:
        """What in a directory is no regular file with a name of that form."""
        for name, found in self.listed(directory):
            if not re.fullmatch(form, name) or not stat.S_ISREG(found.st_mode):
                yield self.root / directory / name

    def actions(self) -> Iterator[tuple[str, Action | None]]:
        """Key and content of every action, unordered; None for a damaged one."""
        for name in self._actions():
            key = name.removesuffix(".json")
            try:
                yield key, Action.from_json(key, ours.read(self.root / "actions" / name, _LARGEST_ACTION))
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                yield key, None

    def count_actions(self) -> int:
        """The number of actions; reads none of them."""
        return len(self._actions())

    def _actions(self) -> list[str]:
        return [name for name in self.names("actions") if re.fullmatch(_FORMS["actions"], name)]

    def forget(self, keys_: Collection[str]) -> None:
        """Remove actions, and their locks unless a builder holds them."""
        for key in keys_:
            self.discard(self.action_path(key))
        for key in set(self.names("locks")).intersection(keys_):
            with (
                contextlib.suppress(FileNotFoundError, BlockingIOError),
                lock_file(path := self.root / "locks" / key) as file,
            ):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.discard(path)

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Yield True if no other process is in this context with the same ``name``."""
        with lock_file(self._make(self.root / "locks") / name) as file:
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
        self._make(path.parent)
        while True:
            with regular_file(path, os.O_RDWR) as file:
                found = os.fstat(file.fileno())
                if found.st_uid != os.geteuid() or found.st_mode & 0o077 or found.st_nlink > 1:
                    ours.remove(path)  # Others could write to it, or it is a file from elsewhere.
                    continue
                fcntl.flock(file, fcntl.LOCK_EX)
                if self.has(artifact):
                    path.unlink(missing_ok=True)
                    yield None
                    return
                if is_still(path, file):
                    yield file
                    return

    def downloads(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Path and status of each object that is being downloaded, or was."""
        for name, found in self.listed("incoming"):
            if re.fullmatch(_FORMS["incoming"], name):
                yield self.root / "incoming" / name, found

    def incoming_path(self, artifact: Artifact) -> Path:
        """Path of an object while it is downloaded."""
        return self.root / "incoming" / keys.digits(artifact.digest)

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """A directory of mode 0700 on the file system of the objects, removed at the end of the context."""
        directory = self._make(self.root / "tmp") / name
        directory.mkdir(mode=0o700)
        with open(directory / "lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield directory
            finally:
                shutil.rmtree(directory, ignore_errors=True)

    def abandoned(self) -> Iterator[str]:
        """Names of workspaces whose builder has died, and of the workspaces in them. Removes each after yielding it."""
        for name in filter(_is_dead, self.names("tmp")):
            directory = self.root / "tmp" / name
            if not ours.is_directory(directory):
                self.discard(directory)
                continue
            try:
                with Tree(directory) as tree, tree.open("lock") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield name
                    yield from _inner(tree)
            except OSError:
                continue  # It has just ended or is just being made, or is no workspace.
            with contextlib.suppress(OSError):
                self.discard(directory)


_written: dict[tuple[Path, Artifact], Path] = {}
"""Root of a store, and a composed file that this process has just written -> where it is. Each task has a store."""


def _is_dead(name: str) -> bool:
    """True if ``name`` in a tmp/ is that of a builder that has ended."""
    return is_workspace_name(name) and not is_builder_alive(name)


def _inner(workspace: Tree) -> Iterator[str]:
    """Names of the workspaces of dead builders in the stores that are in a workspace, as `verify` makes one."""
    for name in workspace.names():
        with contextlib.suppress(OSError):
            yield from filter(_is_dead, workspace.names(f"{name}/cache/tmp"))


def _unlink(path: Path) -> None:
    """At the end of this process, when nobody could be told: what is left is removed by the next builder."""
    with contextlib.suppress(OSError):
        path.unlink()


def _name_of(output: Path) -> str:
    """The name of the file in outputs/ that names an output directory."""
    return keys.digits(keys.sha256(os.fsencode(output)))[:32]


def _output(path: Path) -> Path | None:
    """The output directory that a file in outputs/ names; None if it is damaged."""
    try:
        name = os.fsdecode(ours.read(path, _LONGEST_PATH))
    except OSError:
        return None
    whole = name.startswith("/") and "\0" not in name and path.name == _name_of(Path(name))
    return Path(name) if whole else None


@contextmanager
def _unless_read_only() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EROFS:
            raise


def digest_of(file: BinaryIO, size: int) -> str:
    """The digest of a file of ``size`` bytes; empty if it grows, as long as someone still writes to it."""
    digest = hashlib.sha256()
    try:
        for data in chunks(file, size):
            digest.update(data)
    except RefusedError:
        return ""
    return keys.digest(digest.hexdigest())


def _is_safe(found: os.stat_result) -> bool:
    """True if only this user and root can write to the file."""
    return found.st_uid in (0, os.geteuid()) and stat.S_IMODE(found.st_mode) == _MODE
