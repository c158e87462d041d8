"""Uploads go on where they were cut, with a registry that keeps what it has, as the specification says.

docker-registry 2, against which the integration tests run, forgets an upload that was cut; this server does not.
"""

from __future__ import annotations

import hashlib
import http.server
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.model import Artifact
from debate.remote import oci
from debate.remote.credentials import Credentials
from debate.remote.errors import RegistryError, StoppedError
from debate.remote.oci import Registry
from tests.serving import serving

SIZE = 3 << 20
WHERE = "/v2/a/blobs/uploads/1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def parse_request(self) -> bool:
        """Each kind of request fails once with ``failing``, if that is set."""
        if not super().parse_request():
            return False
        kind = f"{self.command} {self.path.removeprefix('/v2/a/').partition('/')[0]}"
        if not self.server.failing or kind in self.server.failed:
            return True
        self.server.failed.append(kind)
        self.close_connection = True
        self.answer(self.server.failing)
        return False

    def do_HEAD(self) -> None:
        self.answer(200 if self.server.finished else 404)

    def do_POST(self) -> None:
        self.answer(202, Location=WHERE)

    def do_GET(self) -> None:
        if "/manifests/" in self.path:
            self.answer(404)
            return
        self.answer(204, Location=WHERE, Range=f"0-{max(0, len(self.server.data) - 1)}")

    def do_PATCH(self) -> None:
        start = re.match("[0-9]+", self.headers.get("Content-Range", "0"))
        assert start
        self.server.starts.append(int(start[0]))
        assert int(start[0]) == len(self.server.data), "it goes on where it was"
        left = int(self.headers["Content-Length"])
        if self.server.cuts:
            self.server.cuts -= 1
            self.server.data += self.rfile.read(left // 2)
            self.close_connection = True
            return
        self.server.data += self.rfile.read(left)
        self.answer(202, Location=WHERE, Range=f"0-{len(self.server.data) - 1}")

    def do_PUT(self) -> None:
        if "/manifests/" in self.path:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.server.manifests += 1
            self.answer(self.server.answers.pop(0))
            return
        digest = f"sha256:{hashlib.sha256(self.server.data).hexdigest()}"
        self.server.finished = digest in self.path
        self.answer(201 if self.server.finished else 400)


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, cuts: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.data, self.starts, self.finished = cuts, b"", list[int](), False
        self.manifests, self.answers = 0, list[int]()
        self.failing, self.failed = 0, list[str]()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(Server(request.param)) as made:
        yield made


@pytest.fixture
def blob(tmp_path: Path) -> tuple[Artifact, Path]:
    data = bytes(range(256)) * (SIZE // 256)
    (tmp_path / "blob").write_bytes(data)
    return Artifact(keys.sha256(data), SIZE), tmp_path / "blob"


def client(server: Server) -> Registry:
    return Registry(f"127.0.0.1:{server.server_address[1]}", "a", Credentials(), tls=False)


@pytest.mark.parametrize("server", [0, 1, 6], indirect=True)
def test_an_upload_goes_on_where_it_was_cut(server: Server, blob: tuple[Artifact, Path]) -> None:
    registry, cuts = client(server), server.cuts
    assert registry.push(*blob) is True
    assert server.finished
    assert len(server.starts) == cuts + 1
    assert server.starts == sorted(set(server.starts)), "each starts behind the one before"
    assert registry.push(*blob) is False, "it is there"
    assert len(server.starts) == cuts + 1
    registry.close()


@pytest.mark.parametrize("server", [0], indirect=True)
def test_a_blob_that_another_builder_sends_at_the_same_time(server: Server) -> None:
    """The registry does not know it for a moment; any other refusal is not asked about again."""
    registry = client(server)
    server.answers = [400, 400, 201]
    registry.put_manifest("tag", b"{}")
    assert server.manifests == 3
    server.answers = [413]
    with pytest.raises(RegistryError, match="the registry answered 413"):
        registry.put_manifest("tag", b"{}")
    assert server.manifests == 4
    registry.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("server", [0], indirect=True)
def test_a_failure_that_passes(
    server: Server, blob: tuple[Artifact, Path], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked, it is asked again: a registry with many builders fails now and then."""
    monkeypatch.setattr(oci, "_pause", lambda _: None)
    registry = client(server)
    server.failing, server.answers = status, [201]
    assert registry.manifest("tag") is None
    assert registry.push(*blob)
    registry.put_manifest("tag", b"{}")
    uploads = ["HEAD blobs", "POST blobs", "PATCH blobs", "GET blobs", "PUT blobs"]
    assert sorted(server.failed) == sorted(["GET manifests", *uploads, "PUT manifests"])
    assert server.finished
    assert server.manifests == 1
    registry.close()


@pytest.mark.parametrize("server", [0], indirect=True)
def test_an_upload_can_be_stopped(server: Server, blob: tuple[Artifact, Path]) -> None:
    registry = client(server)
    with pytest.raises(StoppedError):
        registry.push(*blob, stopping=lambda: True)
    assert not server.finished
    registry.close()
