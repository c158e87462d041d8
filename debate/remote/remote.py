"""A remote: looks up results that others built, and sends those that were built here in the background.

    ADDRESS:STEP-KEY            the outputs of a step
    ADDRESS:iso-CONFIG          a finished ISO with its companion files

A remote never makes a build fail. If it lacks, refuses, alters or cannot deliver a result, that is a cache miss, with
one line for the user; after a few failures in a row, or one wait that was too long or in vain, it is not used for the
rest of the run.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from debate.cache.action import Action, duration
from debate.cache.store import Store
from debate.composition import Composition
from debate.errors import NO_SPACE, DebateError
from debate.host.ours import make_directory
from debate.model import Artifact
from debate.remote import deadline, statements, transport
from debate.remote.errors import DeniedError, RegistryError, StoppedError, TooSlowError, UnavailableError
from debate.settings import Settings
from debate.text.amounts import count
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.remote.statements import Statement
    from debate.remote.transport import Transport

_T = TypeVar("_T")
_MOST_FAILURES = 3
_SENDERS = 2
"""Steps that are sent at the same time."""


class _Direction:
    """The state of fetching or sending: failures in a row, and if it is closed for the rest of the run."""

    def __init__(self) -> None:
        self.failures, self.closed = 0, False


class Remote:
    """The remote of the settings, for one run. Thread-safe."""

    def __init__(self, settings: Settings, store: Store, say: Callable[[str], None]) -> None:
        """Connects on first use. Raises DebateError for an address that no kind of remote has."""
        transport.kind(settings.remote)
        self.settings, self.store, self.say = settings, store, say
        self.writes = settings.remote_mode == "read-write"
        self._transport: Transport | None = None
        self._fetching, self._sending, self._stopping = _Direction(), _Direction(), False
        self._senders: ThreadPoolExecutor | None = None
        self._sent: list[Future[None]] = []
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def transport(self) -> Transport:
        """The connection. Raises DebateError."""
        with self._lock:
            if self._transport is None:
                self._transport = transport.connect(self.settings)
            return self._transport

    # Fetching --------------------------------------------------------------------------------------

    def lookup(self, step: str, key: str, names: Collection[str]) -> Action | None:
        """Fetch the action ``key`` and its outputs into the store. None unless these are exactly ``names``."""
        what = f"{step} ({key[:16]})"

        def fetch() -> Action | None:
            with self._time_of_a_step():
                return self._fetch(step, key, names)

        return self._try(self._fetching, what, fetch)

    def _fetch(self, step: str, key: str, names: Collection[str]) -> Action | None:
        data = self.transport.manifest(f"{step}-{key}")
        if data is None:
            return None
        trusted, most = self.settings.remote_keys, self.settings.limits.bytes
        statement = statements.read(data, statements.ACTION, key, trusted, most)
        if statement.files.keys() != set(names):
            raise statements.UntrustedError("the statement lacks outputs of the step, or adds some")
        try:
            seconds = duration(statement.facts.get("seconds", 0))
        except ValueError as error:
            raise statements.UntrustedError(f"the statement says that the step took {str(error)[:80]}") from None
        missing = {artifact for artifact in statement.files.values() if not self.store.has(artifact)}
        composed = [self.composition(file, statement) for file in missing if file.digest in statement.composed]
        parts = {part for composition in composed for part in composition.parts if not self.store.has_object(part)}
        wanted = missing - {composition.whole for composition in composed} | parts
        require_room(self.store.root, wanted)
        for artifact in wanted:
            self.fetch(artifact, self.store)
        for composition in composed:
            if not self.store.is_composed(composition):
                raise other_file(composition.whole)
            self.store.compose(composition)
        return Action(key, step, dict(statement.files), seconds, self.settings.remote, statement.signer)

    def _time_of_a_step(self) -> AbstractContextManager[None]:
        """No result may take longer to fetch or send than the step may run."""
        seconds = self.settings.limits.stop_after
        return deadline.within(seconds, f"the files of the step took longer than {seconds} s (limits.stop_after)")

    def fetch(self, artifact: Artifact, store: Store) -> None:
        """Fetch an object into a store, unless it is there. Raises RegistryError."""
        if store.has(artifact):
            return
        with store.incoming(artifact) as file:
            if file is not None:
                self.transport.pull(artifact, file)
                store.adopt(store.incoming_path(artifact), artifact)

    def composition(self, artifact: Artifact, statement: Statement) -> Composition:
        """How a file of ``statement`` that is composed is put together. Nothing says yet that it makes that file.

        Raises RegistryError.
        """
        with tempfile.TemporaryFile(prefix="debate-composition-") as file:
            self.transport.pull(statement.composed[artifact.digest], file)
            file.seek(0)
            try:
                found = Composition.from_json(file.read())
            except ValueError as error:
                raise statements.UntrustedError(f"{artifact.digest}: its composition is refused: {error}") from None
        if found.whole != artifact:
            raise statements.UntrustedError(f"{artifact.digest}: its composition is that of another file")
        return found

    # Sending ---------------------------------------------------------------------------------------

    def hold(self, step: str, key: str) -> None:
        """Note an action that is not to be sent yet, for `finish` to tell."""
        if self.writes:
            self._held[key] = step

    def send(
        self, step: str, key: str, outputs: Mapping[str, Artifact], seconds: float, notes: Mapping[str, str]
    ) -> None:
        """Send an action in the background. Call `finish` before the process ends. ``notes``: see `annotate`."""
        self._held.pop(key, None)
        if not self.writes or self._sending.closed:
            return
        facts = {"step": step, "seconds": round(seconds, 3)}
        statement = statements.Statement(statements.ACTION, key, dict(outputs), facts)
        with self._lock:
            if self._senders is None:
                self._senders = ThreadPoolExecutor(_SENDERS, "sending")
            described = annotate({"step": step, "key": key, **notes})
            self._sent.append(self._senders.submit(self._send, f"{step}-{key}", statement, described))

    def _send(self, tag: str, statement: Statement, annotations: Mapping[str, str]) -> None:
        paths = {artifact: self.store.path(artifact) for artifact in statement.files.values()}
        what = f"{statement.facts['step']} was not sent"
        with self._time_of_a_step():
            self._try(self._sending, what, lambda: self.publish(tag, statement, annotations, paths))

    def publish(
        self,
        tag: str,
        statement: Statement,
        annotations: Mapping[str, str],
        paths: Mapping[Artifact, Path],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> int:
        """Send files, then the manifest that names them. Returns the bytes that had to be sent.

        Calls ``progress`` after each file, with the bytes that the remote has of all.
        Of a file that the store has as a composition, its parts are sent: the registry has most of them already.
        Raises RegistryError.
        """
        files = set(statement.files.values())
        found = {artifact: self.store.whole_composition(artifact) for artifact in files}
        composed = {artifact: composition for artifact, composition in found.items() if composition}
        data = statements.manifest(statement, annotations, self.settings.remote_sign, composed)
        wanted = {artifact: paths[artifact] for artifact in files - composed.keys()}
        wanted |= {part: self.store.path(part) for composition in composed.values() for part in composition.parts}
        for path in wanted.values():
            if not path.exists():
                raise RegistryError(f"{shown(path)} is missing", "build again, and then push")
        sent, there, total = 0, 0, sum(artifact.size for artifact in wanted)
        for artifact in sorted(wanted, key=lambda artifact: artifact.size):
            if self.transport.push(artifact, wanted[artifact], lambda: self._stopping):
                sent += artifact.size
            there += artifact.size
            progress(there, total)
        for composition in composed.values():
            self._push(composition.to_json())
        self._push(statement.data)
        self.transport.put_manifest(tag, data)
        return sent

    def _push(self, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(prefix="debate-statement-") as file:
            file.write(data)
            file.flush()
            self.transport.push(Artifact.of(data), Path(file.name))

    def finish(self) -> None:
        """Wait until everything is sent, and close the connection. Further use opens another one."""
        if self._held:
            steps = ", ".join(sorted({*self._held.values()}))
            self.say(f"not sent to {self.settings.remote}, since no search for secrets has passed it: {steps}")
            self._held.clear()
        waiting = [send for send in self._sent if not send.done()]
        if waiting and not self._stopping:
            self.say(f"sending {count(len(waiting), 'step')} to {self.settings.remote}")
        for send in waiting:
            send.exception()
        self._sent.clear()
        with self._lock:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def stop(self) -> None:
        """Cancel all transfers."""
        self._stopping = self._fetching.closed = self._sending.closed = True
        if self._senders is not None:
            self._senders.shutdown(wait=False, cancel_futures=True)

    # Failing ---------------------------------------------------------------------------------------

    def _try(self, way: _Direction, what: str, action: Callable[[], _T]) -> _T | None:
        if way.closed:
            return None
        try:
            result = action()
        except StoppedError:
            return None
        except (RegistryError, DebateError, OSError) as error:
            with self._lock:
                was_closed = way.closed
                way.failures += 1
                hopeless = isinstance(error, DeniedError | TooSlowError | UnavailableError | DebateError | OSError)
                way.closed = was_closed or way.failures >= _MOST_FAILURES or hopeless
                if isinstance(error, UnavailableError):  # Whatever it is asked for next, that would wait as long.
                    self._fetching.closed = self._sending.closed = True
            if not was_closed:
                rest = "; it is not used for the rest of this run" if way.closed else ""
                self.say(f"remote {self.settings.remote}: {what}: {_text(error)}{rest}")
            return None
        way.failures = 0
        return result


def other_file(artifact: Artifact) -> RegistryError:
    """The error for a composition whose parts do not make the file."""
    return statements.UntrustedError(f"{artifact.digest}: its parts make another file, which was rejected")


def require_room(directory: Path, files: Collection[Artifact]) -> None:
    """Raise RegistryError if the disk of ``directory`` has less space than ``files`` will take."""
    make_directory(directory)
    wanted, free = sum(artifact.size for artifact in files), shutil.disk_usage(directory).free
    if wanted > free:
        raise RegistryError(f"its files have {wanted:,} bytes, and {shown(directory)} has {free:,} free", NO_SPACE)


def _text(error: RegistryError | DebateError | OSError) -> str:
    """An error on one line, without its details."""
    if isinstance(error, DebateError):
        return "; ".join(map(str, error.problems))
    if isinstance(error, OSError):
        return f"{shown(Path(error.filename))}: {error.strerror}" if error.filename else error.strerror or str(error)
    return str(error)


def annotate(notes: Mapping[str, str]) -> dict[str, str]:
    """Annotations of a manifest, for people who inspect it with tools such as skopeo or oras."""
    return {f"io.debate.{name}": value for name, value in notes.items()}
