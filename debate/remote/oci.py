"""The transport to an OCI registry: blobs and manifests of one repository.

This module knows the requests, transfers in bounded memory that resume after an interruption, and one kind of errors.
`debate.remote.wire` sends the requests, `debate.remote.login` has the passwords.

Source: OCI distribution specification 1.1, https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import urllib3

from debate import keys
from debate.model import Artifact
from debate.remote import credentials, deadline
from debate.remote.credentials import Credentials
from debate.remote.errors import (
    DeniedError,
    RefusedError,
    RegistryError,
    StoppedError,
    UnavailableError,
    WrongBytesError,
)
from debate.remote.login import Login, rejected
from debate.remote.transport import MANIFEST
from debate.remote.wire import Client, Response, origin
from debate.settings import Settings
from debate.text.paths import shown

_CHUNK = 1 << 20
_TRIES = 4
"""Attempts in a row without progress after which a transfer fails."""
_TRANSIENT = (429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed a moment later, RFC 9110 section 15.6 and RFC 6585 section 4."""
_SLOWEST = 32 << 10
"""Bytes per second that must be transferred on average, including all attempts."""
_MANIFEST_BYTES = 4 << 20
"""Maximum size of a manifest. Registries reject larger ones, too."""
_HOST_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

_T = TypeVar("_T")


class _File:
    """The body of a request: the rest of a file from its current position."""

    def __init__(self, file: BinaryIO, size: int, stopping: Callable[[], bool]) -> None:
        self.file, self.left, self.stopping = file, size - file.tell(), stopping

    def read(self, _: int = -1) -> bytes:
        """The next bytes, limited to a size that suits one write to the network."""
        if self.stopping():
            raise StoppedError
        data = self.file.read(min(_CHUNK, self.left))
        self.left -= len(data)
        return data


class _Sink:
    """A file that is being written, and the hash of its content."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.hash = file, hashlib.sha256()
        file.seek(0)
        while data := file.read(_CHUNK):
            self.hash.update(data)
        self.size = file.tell()

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.hash.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Truncate the file."""
        self.file.seek(0)
        self.file.truncate()
        self.hash, self.size = hashlib.sha256(), 0

    @property
    def digest(self) -> str:
        return keys.digest(self.hash.hexdigest())


class Registry:
    """One repository. Thread-safe."""

    def __init__(
        self,
        host: str,
        repository: str,
        credentials: Credentials,
        *,
        tls: bool = True,
        ca: str = "",
        auth_servers: tuple[str, ...] = (),
        timeout: float = 30,
    ) -> None:
        """``auth_servers``: see `Login`. ``timeout``: seconds for an exchange, in addition to those for a blob's bytes.

        Raises OSError if the file ``ca`` is unusable.
        """
        if host.endswith("docker.io") and "/" not in repository:
            repository = f"library/{repository}"
        authorities = ca or (str(_HOST_AUTHORITIES) if _HOST_AUTHORITIES.exists() else None)
        self.base = f"{'https' if tls else 'http'}://{host}/v2/{repository}/"
        self.timeout = timeout
        named = [origin(self.base), *(origin(f"https://{server}") for server in auth_servers)]
        self.client = Client(tls=tls, authorities=authorities, named=named)
        self.login = Login(self.client, host, repository, credentials, auth_servers)

    def close(self) -> None:
        """See `Transport`."""
        self.client.close()

    @contextmanager
    def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Iterator[Response]:
        """The answer to a request, after logging in if that is needed. Raises what `_errors` handles."""
        url = self.client.join(self.base, path)
        actions = "pull" if method in ("GET", "HEAD") else "pull,push"
        own = origin(url) == origin(self.base)  # An upload can continue on another host, which gets no token.
        for first in (True, False):
            sent = {"Accept-Encoding": "identity", **(headers or {}), **(self.login.headers(actions) if own else {})}
            with self.client.ask(method, url, sent, body) as response:
                if response.status != 401 or not own:
                    _require(response)
                    yield response
                    return
                if not first:
                    raise rejected()
                self.login.answer(response, actions)
            if isinstance(body, _File):
                raise RegistryError("the registry wanted a new login in the middle of an upload")

    @contextmanager
    def _exchange(self, size: int = 0) -> Iterator[None]:
        """Bounds the time of an exchange that transfers ``size`` bytes."""
        if size:
            fact = f"slower than {_SLOWEST >> 10} KiB a second, so the transfer was cancelled"
        else:
            fact = f"no complete answer within {self.timeout:g} s (setting remote_timeout)"
        with deadline.within(self.timeout + size / _SLOWEST, fact):
            yield

    def _lookup(self, ask: Callable[[], _T]) -> _T | None:
        """What ``ask`` returns; None if the registry does not have it.

        A registry that cannot be reached is not asked again: whoever looks something up can do without it.
        """
        with self._exchange():
            try:
                return _persist(ask, lambda error: error.status in _TRANSIENT)
            except RegistryError as error:
                if error.status != 404:
                    raise
                return None

    # Manifests -------------------------------------------------------------------------------------

    def manifest(self, tag: str) -> bytes | None:
        """See `Transport`."""
        return self._lookup(lambda: self._manifest(tag))

    def _manifest(self, tag: str) -> bytes:
        with self._ask("GET", f"manifests/{tag}", {"Accept": MANIFEST}) as response:
            data = b""
            while more := response.read1(_CHUNK):
                data += more
                if len(data) > _MANIFEST_BYTES:
                    raise WrongBytesError(f"manifest {tag}: more than {_MANIFEST_BYTES >> 20} MiB, so it was rejected")
            return data

    def put_manifest(self, tag: str, data: bytes) -> None:
        """See `Transport`.

        A registry that stores blobs in a file system may briefly not know a blob (MANIFEST_BLOB_UNKNOWN,
        DIGEST_INVALID) while another builder sends the same one, since it rewrites the link to it in place.
        """

        def put() -> None:
            with self._ask("PUT", f"manifests/{tag}", {"Content-Type": MANIFEST}, data):
                pass

        with self._exchange():
            _persist(put, lambda error: error.may_pass or error.status == 400)

    # Blobs -----------------------------------------------------------------------------------------

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        """See `Transport`. Bytes that the file already has are not requested again."""
        sink = _Sink(file)
        with self._exchange(artifact.size):
            _persist(lambda: self._pull_rest(artifact, sink), progress=lambda: sink.size)
        if sink.size > artifact.size or sink.digest != artifact.digest:
            sink.restart()
            raise _other_bytes(artifact)
        file.flush()
        os.fsync(file.fileno())

    def _pull_rest(self, artifact: Artifact, sink: _Sink) -> None:
        """Read what the file lacks. What arrives before an interruption stays in it."""
        if sink.size >= artifact.size:
            return
        headers = {"Range": f"bytes={sink.size}-"} if sink.size else {}
        with self._ask("GET", f"blobs/{artifact.digest}", headers) as response:
            if response.status != 206:
                sink.restart()
            if (response.length_remaining or 0) > artifact.size - sink.size:
                raise _other_bytes(artifact)
            # Not `read`, which waits until it has all bytes of the chunk.
            while sink.size < artifact.size and (data := response.read1(min(_CHUNK, artifact.size - sink.size))):
                sink.write(data)
        if sink.size < artifact.size:
            raise RegistryError("the connection was lost")

    def has(self, digest: str) -> bool:
        """See `Transport`."""
        return self._lookup(lambda: self._has(digest)) is not None

    def _has(self, digest: str) -> bool:
        with self._ask("HEAD", f"blobs/{digest}"):
            return True

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        """See `Transport`. After an interruption only the missing part is sent."""
        if self.has(artifact.digest):
            return False
        location, sent = "", 0

        def send_rest() -> None:
            nonlocal location, sent
            location, sent = self._state(location)
            location = location or self._location("POST", "blobs/uploads/")
            location = self._send(location, file, sent, artifact.size, stopping)
            with self._ask("PUT", _with_digest(location, artifact.digest)):
                pass

        with self._exchange(artifact.size), path.open("rb") as file:
            _persist(send_rest, progress=lambda: sent)
        return True

    def _state(self, location: str) -> tuple[str, int]:
        """Location and received bytes of an interrupted upload; an empty location if it has to restart.

        docker-registry 2 forgets interrupted uploads, although the specification requires it to report their state.
        """
        if not location:
            return "", 0
        try:
            with _errors(), self._ask("GET", location) as response:
                return self._next(response, location), _end(response.headers.get("Range", ""))
        except RegistryError:
            return "", 0

    def _send(self, location: str, file: BinaryIO, sent: int, size: int, stopping: Callable[[], bool]) -> str:
        if sent >= size:
            return location
        file.seek(sent)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size - sent)}
        if sent:
            headers["Content-Range"] = f"{sent}-{size - 1}"
        return self._location("PATCH", location, headers, _File(file, size, stopping))

    def _location(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> str:
        """The address at which an upload continues after this request."""
        with self._ask(method, path, headers, body) as response:
            return self._next(response, path)

    def _next(self, response: Response, path: str) -> str:
        url = self.client.join(self.base, path)
        return self.client.led(response, url, response.headers.get("Location", url))


def _other_bytes(artifact: Artifact) -> WrongBytesError:
    return WrongBytesError(f"{artifact.digest}: the registry sent other bytes, which were rejected")


def _require(response: Response) -> None:
    """Raise RegistryError for an answer that is an error."""
    status = response.status
    if status < 300:
        return
    if status == 403:
        raise DeniedError("the registry does not permit this for the user")
    kind = RegistryError if status >= 500 or status == 429 else RefusedError
    raise kind(f"the registry answered {status} {(response.reason or '')[:80]}".rstrip(), status=status)


def _persist(
    act: Callable[[], _T],
    again: Callable[[RegistryError], bool] = lambda error: error.may_pass,
    progress: Callable[[], int] = lambda: 0,
) -> _T:
    """What ``act`` returns. It is tried up to `_TRIES` times in a row without progress after errors that are ``again``.

    ``progress``: a number that grows from attempt to attempt while there is progress. Raises RegistryError;
    UnavailableError if it was the registry itself that failed each time.
    """
    tries, before = 0, progress()
    while True:
        try:
            deadline.left()
            with _errors():
                return act()
        except RegistryError as error:
            now = progress()
            tries = 0 if now > before else tries + 1
            before = now
            last = tries >= _TRIES
            if not again(error) or (last and not error.may_pass):
                raise
            if last:
                raise UnavailableError(error.fact, error.remedy, status=error.status) from None
        _pause(tries)


def _pause(tries: int) -> None:
    """Wait before the next attempt, longer after each."""
    time.sleep(0.2 * 2**tries)


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def _end(header: str) -> int:
    """The number of received bytes of an upload; the header is ``0-LAST``, and ``0-0`` for none."""
    match = re.fullmatch(r"(?:bytes=)?0-([0-9]+)", header)
    last = int(match[1]) if match else 0
    return last + 1 if last else 0


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the exceptions of urllib3 into RegistryError."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # ValueError: a header that cannot be read.
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # This host's disk is full.
        deadline.left()
        raise RegistryError(*_reason(error)) from None


def _reason(error: BaseException) -> tuple[str, str]:
    """Fact and remedy for an error of urllib3, which wraps the innermost error several times."""
    text = str(error)
    for words, reason in _REASONS.items():
        if words in text:
            return reason
    cause = next((each for each in _causes(error) if isinstance(each, OSError) and each.strerror), None)
    return (str(cause.strerror)[:200].lower() if cause else "its answer cannot be read"), ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the last one first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


_REASONS = {
    "certificate has expired": ("its certificate has expired", ""),
    "certificate is not yet valid": ("its certificate is not valid yet", "look at the clock of this machine"),
    "ostname mismatch": ("its certificate is for another name", "write the name that it is for"),
    "IP address mismatch": ("its certificate is for another name", "write the name that it is for"),
    "CERTIFICATE_VERIFY_FAILED": ("its certificate is signed by an unknown authority", "set DEBATE_REMOTE_CA"),
    "Connection refused": ("connection refused", ""),
    "Name or service not known": ("the name of the host cannot be resolved", ""),
    "Temporary failure in name resolution": ("the name of the host cannot be resolved", ""),
    "timed out": ("no answer within the time limit", ""),
    "Connection reset": ("the connection was lost", ""),
    "IncompleteRead": ("the connection was lost", ""),
    "RemoteDisconnected": ("the connection was lost", ""),
    "Connection aborted": ("the connection was lost", ""),
    "Broken pipe": ("the connection was lost", ""),
    "EOF occurred": ("the connection was lost", ""),
    "WRONG_VERSION_NUMBER": ("it does not use TLS", "write oci+http:// for such a registry on this host"),
}
"""Words in an error of urllib3 -> fact and remedy; the first match counts."""


def connect(settings: Settings) -> Registry:
    """The registry at the address of the settings. Raises DebateError if the credentials cannot be read."""
    scheme, _, rest = settings.remote.partition("://")
    host, _, repository = rest.partition("/")
    if settings.remote_user or settings.remote_password:
        found = Credentials(settings.remote_user, settings.remote_password)
    else:
        found = credentials.find(host, repository)
    try:
        return Registry(
            host,
            repository,
            found,
            tls=scheme == "oci",
            ca=settings.remote_ca,
            auth_servers=tuple(settings.remote_auth.replace(",", " ").split()),
            timeout=settings.remote_timeout,
        )
    except OSError:  # ssl.SSLError is one.
        fact = f"{shown(Path(settings.remote_ca or _HOST_AUTHORITIES))} has no certificates that can be read"
        raise settings.error("remote_ca", fact, "name a file with certificates in PEM") from None
