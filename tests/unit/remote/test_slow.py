"""A registry that sends or takes a byte now and then is given up, although no single wait is long."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from debate import PACKAGE, keys
from debate.model import Artifact
from debate.remote import oci
from debate.remote.credentials import Credentials
from debate.remote.errors import TooSlowError
from debate.remote.oci import Registry
from tests.serving import serving

DATA = bytes(range(200))
ARTIFACT = Artifact(keys.sha256(DATA), len(DATA))
WHERE = "/v2/a/blobs/uploads/1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, size: int = 0, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(size), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == WHERE:
            self.server.arrived += 1
            self.answer(204, Location=WHERE, Range=f"0-{self.server.arrived}")
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.answer(206 if start else 200, len(DATA) - start)
        with contextlib.suppress(OSError):
            for byte in DATA[start:][: self.server.at_a_time]:
                self.wfile.write(bytes([byte]))
                self.server.stopping.wait(self.server.pause)
                if self.server.stopping.is_set():
                    break
        self.close_connection = True

    def do_HEAD(self) -> None:
        self.answer(404)

    def do_POST(self) -> None:
        self.answer(202, Location=WHERE)

    def do_PATCH(self) -> None:
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pause, self.at_a_time, self.arrived = 0.0, len(DATA), 0
        self.stopping = threading.Event()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as made:
        yield made
        made.stopping.set()


@pytest.fixture
def client(server: Server) -> Iterator[Registry]:
    made = Registry(f"127.0.0.1:{server.server_address[1]}", "a", Credentials(), tls=False, timeout=0.5)
    yield made
    made.close()


def pull(client: Registry, _: Path) -> bytes:
    file = io.BytesIO()
    file.fileno = lambda: 1  # type: ignore[method-assign]
    client.pull(ARTIFACT, file)
    return file.getvalue()


def manifest(client: Registry, _: Path) -> bytes | None:
    return client.manifest("tag")


def push(client: Registry, blob: Path) -> bool:
    return client.push(ARTIFACT, blob)


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    (tmp_path / "blob").write_bytes(DATA)
    return tmp_path / "blob"


@pytest.mark.parametrize(
    ("transfer", "at_a_time"),
    [(pull, len(DATA)), (pull, 1), (manifest, len(DATA)), (push, 1)],
    ids=["a blob", "a blob in many attempts", "a manifest", "an upload"],
)
def test_a_transfer_that_takes_too_long_ends(
    server: Server, client: Registry, blob: Path, monkeypatch: pytest.MonkeyPatch,
    transfer: Callable[[Registry, Path], object], at_a_time: int,
) -> None:  # fmt: skip
    """All bytes would take minutes."""
    monkeypatch.setattr(oci, "_pause", lambda _: time.sleep(0.02))
    server.pause, server.at_a_time = 1.0, at_a_time
    fact = (
        r"no complete answer within 0\.5 s \(setting remote_timeout\)"
        if transfer is manifest
        else "slower than 32 KiB a second"
    )
    with pytest.raises(TooSlowError, match=fact) as caught:
        transfer(client, blob)
    assert not caught.value.may_pass


@pytest.mark.parametrize("transfer", [pull, manifest])
def test_one_that_is_fast_enough(
    client: Registry, blob: Path, monkeypatch: pytest.MonkeyPatch, transfer: Callable[[Registry, Path], object]
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    assert transfer(client, blob) == DATA


RESOLVING = """
import socket, sys, threading
from debate.remote import deadline, wire
from debate.remote.errors import TooSlowError
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
wire._CONNECT = float(sys.argv[1])
client = wire.Client(tls=False, authorities=None)
try:
    with deadline.within(float(sys.argv[2]), "too slow"):
        with client.ask("GET", "http://registry.example/v2/", {}):
            pass
except TooSlowError as error:
    print("stopped:", error)
except Exception as error:
    print(type(error).__name__, error)
assert silent.recv(512), "it was asked"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a resolv.conf and a network of its own")
@pytest.mark.parametrize(
    ("patience", "limit", "expected"),
    [(60, 1, "stopped: too slow"), (1, 60, "no name server answers for registry.example")],
)
def test_a_name_server_that_never_answers(tmp_path: Path, patience: float, limit: float, expected: str) -> None:
    """The C library waits for it as long as it is told to, here for five minutes."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:10\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    mounted = " && ".join(
        f"mount --bind {tmp_path}/{name} $(realpath /etc/{name})" for name in ("resolv.conf", "nsswitch.conf")
    )
    inside = f'ip link set lo up && {mounted} && exec "$@"'
    argv = ["unshare", "--mount", "--net", "sh", "-c", inside, "sh", sys.executable, "-c", RESOLVING]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [*argv, str(patience), str(limit)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout
