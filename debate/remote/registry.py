"""Blobs and manifests of one repository in an OCI registry.

On python-dxf, which knows registries' ways to log in. Added here: streams in bounded memory, both ways, that go
on where they were cut, and errors of one kind.

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

from debate.model import Artifact
from debate.remote.credentials import Credentials

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CHUNK = 1 << 20
_TRIES = 4
"""How often a stream that was cut without having got on is tried."""
_TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""
_ANSWER = (10, 15)
"""The same where every step waits for the answer."""
_MOST = 4 << 20
"""Bytes of a manifest. Registries refuse larger ones, too."""
_HOST_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


class RegistryError(Exception):
    """The registry did not do what it was asked. The message is for people."""

    may_pass = True
    """Whether the same request may succeed a moment later."""

    def __init__(self, message: str, status: int = 0) -> None:
        """``status``: of the answer, where there was one that tells."""
        super().__init__(message)
        self.status = status


class DeniedError(RegistryError):
    """It does not let this user in."""

    may_pass = False


class WrongBytesError(RegistryError):
    """It gave other bytes than those that were asked for."""

    may_pass = False


class RefusedError(RegistryError):
    """It gave an answer that would be the same the next time."""

    may_pass = False


class StoppedError(Exception):
    """Whoever asked does not want it any more."""


class _File:
    """What `requests` sends: the rest of a file from its position on."""

    def __init__(self, file: BinaryIO, size: int, stopping: Callable[[], bool]) -> None:
        self.file, self.left, self.stopping = file, size - file.tell(), stopping

    def __len__(self) -> int:
        return self.left

    def read(self, _: int = -1) -> bytes:
        """The next bytes, as many as one write to the network does well with."""
        if self.stopping():
            raise StoppedError
        data = self.file.read(min(_CHUNK, self.left))
        self.left -= len(data)
        return data


class _Sink:
    """A file that is being filled, and the hash of what it holds."""

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
        """Forget all that the file holds."""
        self.file.seek(0)
        self.file.truncate()
        self.hash, self.size = hashlib.sha256(), 0

    @property
    def digest(self) -> str:
        return f"sha256:{self.hash.hexdigest()}"


class Registry(DXF):
    """One repository. May be used by several threads."""

    def __init__(self, host: str, repository: str, credentials: Credentials, *, tls: bool = True, ca: str = "") -> None:
        authorities = ca or (str(_HOST_AUTHORITIES) if _HOST_AUTHORITIES.exists() else True)
        super().__init__(
            host, repository, auth=self._log_in, insecure=not tls, tlsverify=authorities, timeout=_TIMEOUT  # type: ignore[arg-type]
        )  # fmt: skip
        self.credentials = credentials
        self.__enter__()  # One session for all: connections are kept.

    def close(self) -> None:
        """Close all connections."""
        self.__exit__()

    def _log_in(self, _: DXFBase, response: requests.Response) -> None:
        self.authenticate(self.credentials.user or None, self.credentials.password or None, response=response)

    def _base_request(self, method: str, path: str, **words: Any) -> requests.Response:
        """As dxf's. A thread that is refused while another one logs in tries again as that one."""
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
        """The manifest behind a tag, None if there is none. Raises RegistryError."""
        headers = {"Accept": MANIFEST}
        with (
            _errors(),
            self._request("get", f"manifests/{tag}", headers=headers, stream=True, timeout=_ANSWER) as response,
        ):
            data: bytes = response.raw.read(_MOST + 1, decode_content=True)
            if len(data) > _MOST:
                raise WrongBytesError(f"{response.url}: more than {_MOST >> 20} MiB; refused")
            return data
        return None

    def put_manifest(self, tag: str, data: bytes) -> None:
        """Set a tag. All blobs that the manifest names must be there. Raises RegistryError.

        A registry on a file system may not know a blob for a moment (MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID) while
        another builder sends the same one: it writes the link to it anew, in place.
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
        """Write a blob to ``file``, verified and synced. What the file holds already is not asked for again.

        Raises WrongBytesError when the bytes are not the artifact's; then the file is empty. Raises RegistryError.
        """
        sink, tries = _Sink(file), 0
        while (have := sink.size) < artifact.size:
            try:
                with _errors(missing=False):
                    self._pull_more(artifact, sink)
            except RegistryError as error:
                tries = tries + 1 if sink.size <= have else 0
                if tries >= _TRIES or not error.may_pass:
                    raise
                _pause(tries)
        if sink.size > artifact.size or sink.digest != artifact.digest:
            sink.restart()
            raise WrongBytesError(f"{artifact.digest}: the registry gave other bytes; they are refused")
        file.flush()
        os.fsync(file.fileno())

    def _pull_more(self, artifact: Artifact, sink: _Sink) -> None:
        """Read until the connection ends, or more comes than the artifact has."""
        headers = {"Accept-Encoding": "identity"}
        if sink.size:
            headers["Range"] = f"bytes={sink.size}-"
        with self._request("get", f"blobs/{artifact.digest}", headers=headers, stream=True) as response:
            if response.status_code != requests.codes.partial_content:
                sink.restart()
            while sink.size <= artifact.size and (data := response.raw.read(_CHUNK)):
                sink.write(data)
        if sink.size < artifact.size:
            raise RegistryError("the connection was cut")

    def has(self, digest: str) -> bool:
        """Whether the repository has a blob. Raises RegistryError."""
        with _errors():
            self._request("head", f"blobs/{digest}")
            return True
        return False

    def push(self, artifact: Artifact, path: Path, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Send a blob unless it is there; after a cut, only what is missing. Returns whether it was sent.

        Raises RegistryError, and StoppedError when ``stopping`` says so.
        """
        if self.has(artifact.digest):
            return False
        where, sent, tries = "", 0, 0
        with path.open("rb") as file:
            while True:
                try:
                    with _errors(missing=False):
                        where = where or self._location(self._request("post", "blobs/uploads/"))
                        where = self._send(where, file, sent, artifact.size, stopping)
                        self._base_request("put", _with_digest(where, artifact.digest))
                    return True
                except RegistryError as error:
                    if tries >= _TRIES or not error.may_pass:
                        raise
                    _pause(tries)
                    where, there = self._state(where)
                    sent, tries = there, (0 if there > sent else tries + 1)

    def _state(self, where: str) -> tuple[str, int]:
        """Where an upload goes on after a cut, and how many bytes are there; nowhere when it has to begin anew.

        docker-registry 2 forgets uploads that were cut, though the specification wants it to tell their state.
        """
        if not where:
            return "", 0
        try:
            with _errors(missing=False):
                response = self._base_request("get", where)
        except RegistryError:
            return "", 0
        return self._location(response, where), _end(response.headers.get("Range", ""))

    def _send(self, where: str, file: BinaryIO, sent: int, size: int, stopping: Callable[[], bool]) -> str:
        if sent >= size:
            return where
        file.seek(sent)
        headers = {"Content-Type": "application/octet-stream"}
        if sent:
            headers["Content-Range"] = f"{sent}-{size - 1}"
        body = _File(file, size, stopping)
        return self._location(self._base_request("patch", where, data=body, headers=headers), where)

    def _location(self, response: requests.Response, default: str = "") -> str:
        """Where an upload goes on. It may be relative."""
        location = response.headers.get("Location", default)
        return requests.compat.urljoin(response.url, location) if location else response.url


def _pause(tries: int) -> None:
    """Wait before the next of ``tries``, longer each time."""
    time.sleep(0.2 * 2**tries)


def _with_digest(where: str, digest: str) -> str:
    return f"{where}{'&' if '?' in where else '?'}digest={digest}"


def _end(header: str) -> int:
    """How many bytes of an upload are there; the header is ``0-LAST``, and ``0-0`` for none."""
    match = re.fullmatch(r"(?:bytes=)?0-([0-9]+)", header)
    last = int(match[1]) if match else 0
    return last + 1 if last else 0


@contextmanager
def _errors(*, missing: bool = True) -> Iterator[None]:
    """Turn what the libraries raise into RegistryError. ``missing``: an answer 404 just ends the block."""
    try:
        yield
    except exceptions.DXFUnauthorizedError:
        raise DeniedError("the registry refuses the credentials, or wants some") from None
    except exceptions.DXFAuthInsecureError:
        raise DeniedError("the registry wants a password, which is not sent without TLS") from None
    except exceptions.DXFError as error:
        raise RefusedError(f"the registry answers what was not expected: {error}") from None
    except requests.HTTPError as error:
        status = error.response.status_code
        if status == requests.codes.not_found and missing:
            return
        if status == requests.codes.forbidden:
            raise DeniedError("the registry does not let this user do that") from None
        kind = RegistryError if status >= 500 or status == requests.codes.too_many_requests else RefusedError
        raise kind(f"the registry answers {status} {error.response.reason or ''}".rstrip(), status) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # Of this host's disk.
        raise RegistryError(_reason(error)) from None


def _reason(error: BaseException) -> str:
    """The innermost fact of an error of requests."""
    text = str(error)
    for fact, words in _FACTS.items():
        if fact in text:
            return words
    return text.splitlines()[0][:200] if text else type(error).__name__


_FACTS = {
    "CERTIFICATE_VERIFY_FAILED": "its certificate is signed by an unknown authority; set DEBATE_REMOTE_CA",
    "Connection refused": "no answer: connection refused",
    "Name or service not known": "no host of that name is known",
    "Temporary failure in name resolution": "no host of that name is known",
    "Read timed out": "no answer in time",
    "timed out": "no answer in time",
    "Connection reset": "the connection was cut",
    "IncompleteRead": "the connection was cut",
    "RemoteDisconnected": "the connection was cut",
    "Connection aborted": "the connection was cut",
    "Broken pipe": "the connection was cut",
    "EOF occurred": "the connection was cut",
    "WRONG_VERSION_NUMBER": "it speaks no TLS; oci+http:// is for registries without, on this host",
}
