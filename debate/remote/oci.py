"""The transport to an OCI registry: blobs and manifests of one repository.

Built on python-dxf, which implements the authentication of registries. This module adds transfers in bounded memory
that resume after an interruption, and one kind of errors.

Source: OCI distribution specification 1.1, https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import requests
import urllib3
from dxf import DXF, DXFBase, exceptions

from debate import keys
from debate.model import Artifact
from debate.remote import credentials
from debate.remote.credentials import Credentials
from debate.remote.errors import DeniedError, RefusedError, RegistryError, StoppedError, TooSlowError, WrongBytesError
from debate.remote.transport import MANIFEST
from debate.settings import Settings

_CHUNK = 1 << 20
_TRIES = 4
"""Attempts in a row without progress after which a transfer fails."""
_TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""
_MANIFEST_TIMEOUT = (10, 15)
"""The same for a manifest, for which every step waits."""
_GRACE, _MANIFEST_GRACE = 60.0, 20.0
"""Seconds that the transfer of a blob or a manifest may take in addition to those for its bytes."""
_SLOWEST = 32 << 10
"""Bytes per second that must be transferred on average, including all attempts."""
_MANIFEST_BYTES = 4 << 20
"""Maximum size of a manifest. Registries reject larger ones, too."""
_HOST_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


class _Deadline:
    """The end of the time for ``size`` bytes: a remote that sends a byte now and then exceeds no other limit."""

    def __init__(self, size: int, grace: float) -> None:
        self.end = time.monotonic() + grace + size / _SLOWEST

    def check(self) -> None:
        """Raises TooSlowError after the end."""
        if time.monotonic() > self.end:
            raise TooSlowError(f"slower than {_SLOWEST >> 10} KiB a second, so the transfer was cancelled")


class _File:
    """The body of a request: the rest of a file from its current position."""

    def __init__(self, file: BinaryIO, size: int, stopping: Callable[[], bool], deadline: _Deadline) -> None:
        self.file, self.left, self.stopping, self.deadline = file, size - file.tell(), stopping, deadline

    def __len__(self) -> int:
        return self.left

    def read(self, _: int = -1) -> bytes:
        """The next bytes, limited to a size that suits one write to the network."""
        if self.stopping():
            raise StoppedError
        self.deadline.check()
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


class Registry(DXF):
    """One repository. Thread-safe."""

    def __init__(self, host: str, repository: str, credentials: Credentials, *, tls: bool = True, ca: str = "") -> None:
        authorities = ca or (str(_HOST_AUTHORITIES) if _HOST_AUTHORITIES.exists() else True)
        super().__init__(
            host, repository, auth=self._log_in, insecure=not tls, tlsverify=authorities, timeout=_TIMEOUT  # type: ignore[arg-type]
        )  # fmt: skip
        self.credentials = credentials
        self.__enter__()  # One session for all requests, so that connections are kept alive.

    def close(self) -> None:
        """See `Transport`."""
        self.__exit__()

    def _log_in(self, _: DXFBase, response: requests.Response) -> None:
        self.authenticate(self.credentials.user or None, self.credentials.password or None, response=response)

    def _base_request(self, method: str, path: str, **words: Any) -> requests.Response:
        """As in dxf, but if a thread is rejected while another one logs in, it retries with the new token."""
        before = self._headers
        try:
            response: requests.Response = super()._base_request(method, path, **words)
        except exceptions.DXFUnauthorizedError:
            if self._headers == before or isinstance(words.get("data"), _File):
                raise
            response = super()._base_request(method, path, **words)
        return response

    # Manifests -------------------------------------------------------------------------------------

    def manifest(self, tag: str) -> bytes | None:
        """See `Transport`."""
        headers = {"Accept": MANIFEST}
        with (
            _errors(),
            self._request(
                "get", f"manifests/{tag}", headers=headers, stream=True, timeout=_MANIFEST_TIMEOUT
            ) as response,
        ):
            data, deadline = b"", _Deadline(0, _MANIFEST_GRACE)
            while more := response.raw.read1(_CHUNK, decode_content=True):
                deadline.check()
                data += more
                if len(data) > _MANIFEST_BYTES:
                    raise WrongBytesError(f"manifest {tag}: more than {_MANIFEST_BYTES >> 20} MiB, so it was rejected")
            return data
        return None

    def put_manifest(self, tag: str, data: bytes) -> None:
        """See `Transport`.

        A registry that stores blobs in a file system may briefly not know a blob (MANIFEST_BLOB_UNKNOWN,
        DIGEST_INVALID) while another builder sends the same one, since it rewrites the link to it in place.
        """
        tries = 0
        while True:
            try:
                with _errors(missing=False):
                    self._request("put", f"manifests/{tag}", data=data, headers={"Content-Type": MANIFEST})
                return
            except RegistryError as error:
                if tries >= _TRIES or error.status != requests.codes.bad_request:
                    raise
                _pause(tries)
                tries += 1

    # Blobs -----------------------------------------------------------------------------------------

    def pull(self, artifact: Artifact, file: BinaryIO) -> None:
        """See `Transport`. Bytes that the file already has are not requested again."""
        sink, tries, deadline = _Sink(file), 0, _Deadline(artifact.size, _GRACE)
        while (have := sink.size) < artifact.size:
            try:
                with _errors(missing=False):
                    self._pull_more(artifact, sink, deadline)
            except RegistryError as error:
                tries = tries + 1 if sink.size <= have else 0
                if tries >= _TRIES or not error.may_pass:
                    raise
                _pause(tries)
        if sink.size > artifact.size or sink.digest != artifact.digest:
            sink.restart()
            raise WrongBytesError(f"{artifact.digest}: the registry sent other bytes, which were rejected")
        file.flush()
        os.fsync(file.fileno())

    def _pull_more(self, artifact: Artifact, sink: _Sink, deadline: _Deadline) -> None:
        """Read until the connection ends or more bytes arrive than the artifact has."""
        deadline.check()
        headers = {"Accept-Encoding": "identity"}
        if sink.size:
            headers["Range"] = f"bytes={sink.size}-"
        with self._request("get", f"blobs/{artifact.digest}", headers=headers, stream=True) as response:
            if response.status_code != requests.codes.partial_content:
                sink.restart()
            # Not `read`, which waits until it has all bytes of the chunk.
            while sink.size <= artifact.size and (data := response.raw.read1(_CHUNK)):
                sink.write(data)
                deadline.check()
        if sink.size < artifact.size:
            raise RegistryError("the connection was lost")

    def has(self, digest: str) -> bool:
        """See `Transport`."""
        with _errors():
            self._request("head", f"blobs/{digest}")
            return True
        return False

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        """See `Transport`. After an interruption only the missing part is sent."""
        if self.has(artifact.digest):
            return False
        location, sent, tries, deadline = "", 0, 0, _Deadline(artifact.size, _GRACE)
        with path.open("rb") as file:
            while True:
                try:
                    deadline.check()
                    with _errors(missing=False):
                        location = location or self._location(self._request("post", "blobs/uploads/"))
                        location = self._send(location, file, sent, artifact.size, stopping, deadline)
                        self._base_request("put", _with_digest(location, artifact.digest))
                    return True
                except RegistryError as error:
                    if tries >= _TRIES or not error.may_pass:
                        raise
                    _pause(tries)
                    location, arrived = self._state(location)
                    sent, tries = arrived, (0 if arrived > sent else tries + 1)

    def _state(self, location: str) -> tuple[str, int]:
        """Location and received bytes of an interrupted upload; an empty location if it has to restart.

        docker-registry 2 forgets interrupted uploads, although the specification requires it to report their state.
        """
        if not location:
            return "", 0
        try:
            with _errors(missing=False):
                response = self._base_request("get", location)
        except RegistryError:
            return "", 0
        return self._location(response, location), _end(response.headers.get("Range", ""))

    def _send(
        self, location: str, file: BinaryIO, sent: int, size: int, stopping: Callable[[], bool], deadline: _Deadline
    ) -> str:
        if sent >= size:
            return location
        file.seek(sent)
        headers = {"Content-Type": "application/octet-stream"}
        if sent:
            headers["Content-Range"] = f"{sent}-{size - 1}"
        body = _File(file, size, stopping, deadline)
        return self._location(self._base_request("patch", location, data=body, headers=headers), location)

    def _location(self, response: requests.Response, default: str = "") -> str:
        """The location at which an upload continues. The header may be relative."""
        location = response.headers.get("Location", default)
        return requests.compat.urljoin(response.url, location) if location else response.url


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
def _errors(*, missing: bool = True) -> Iterator[None]:
    """Turn the exceptions of the libraries into RegistryError. ``missing``: a response 404 just ends the block."""
    try:
        yield
    except exceptions.DXFUnauthorizedError:
        remedy = "log in, or set DEBATE_REMOTE_USER and DEBATE_REMOTE_PASSWORD"
        raise DeniedError("the registry rejected the credentials, or requires some", remedy) from None
    except exceptions.DXFAuthInsecureError:
        raise DeniedError("the registry requires a password, which is never sent without TLS", "use oci://") from None
    except exceptions.DXFError as error:
        raise RefusedError(f"unexpected response from the registry: {error}") from None
    except requests.HTTPError as error:
        status = error.response.status_code
        if status == requests.codes.not_found and missing:
            return
        if status == requests.codes.forbidden:
            raise DeniedError("the registry does not permit this for the user") from None
        kind = RegistryError if status >= 500 or status == requests.codes.too_many_requests else RefusedError
        raise kind(f"the registry answered {status} {error.response.reason or ''}".rstrip(), status=status) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # This host's disk is full.
        raise RegistryError(*_reason(error)) from None


def _reason(error: BaseException) -> tuple[str, str]:
    """Fact and remedy for an error of requests or urllib3, which wrap the innermost error several times."""
    text = str(error)
    for words, reason in _REASONS.items():
        if words in text:
            return reason
    return (text.splitlines()[0][:200] if text else type(error).__name__), ""


_REASONS = {
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
"""Words in an error of requests -> fact and remedy; the first match counts."""


def connect(settings: Settings) -> Registry:
    """The registry at the address of the settings. Raises DebateError if the credentials cannot be read."""
    scheme, _, rest = settings.remote.partition("://")
    host, _, repository = rest.partition("/")
    if settings.remote_user or settings.remote_password:
        found = Credentials(settings.remote_user, settings.remote_password)
    else:
        found = credentials.find(host, repository)
    return Registry(host, repository, found, tls=scheme == "oci", ca=settings.remote_ca)
