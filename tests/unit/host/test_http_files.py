"""What the server offers, and what whoever connects to it cannot do."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from debate.host import http_files
from debate.host.http_files import Server, offered

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "offered"
    (root / "live").mkdir(parents=True)
    (root / "live" / "image").write_bytes(CONTENT)
    (root / "grub.efi").write_bytes(b"efi")
    (root / "empty").touch()
    (root / "other").write_text("not offered")
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    return root


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def server(root: Path, said: list[str]) -> Iterator[Server]:
    with offered(root, ["live/image", "grub.efi", "empty", "link", "gone"], "127.0.0.1", 0, said.append) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def raw(server: Server, request: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_file(server: Server, said: list[str]) -> None:
    answer, body = ask(server, "/live/image")
    assert (answer.status, body) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Server"].strip() == "debate"
    assert said == ["127.0.0.1: GET /live/image HTTP/1.1 200"]


def test_uefi_asks_for_the_size_and_the_kind_first(server: Server) -> None:
    answer, body = ask(server, "/grub.efi", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert answer.headers["Content-Length"] == "3"
    assert answer.headers["Content-Type"] == "application/efi"


def test_several_requests_of_one_connection(server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for _ in range(3):
        for path, content in (("/live/image", CONTENT), ("/empty", b""), ("/live/image?a=b", CONTENT)):
            connection.request("GET", path)
            assert connection.getresponse().read() == content
        connection.request("GET", "/nothing")
        assert connection.getresponse().read() == b"404 Not Found\n"
    connection.close()


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-", 206, 0, len(CONTENT)), ("bytes=5-9", 206, 5, 10), ("bytes=9-9", 206, 9, 10),
        (f"bytes=7-{10**17}", 206, 7, len(CONTENT)), ("bytes=9-5", 416, 0, 0), (f"bytes={len(CONTENT)}-", 416, 0, 0),
        # What is not understood is as if it were not asked for.
        ("bytes=-5", 200, 0, len(CONTENT)), ("bytes=0-1,5-9", 200, 0, len(CONTENT)), ("bytes=x", 200, 0, len(CONTENT)),
        ("bytes=" + "9" * 30 + "-", 200, 0, len(CONTENT)),
    ],
)  # fmt: skip
def test_ranges(server: Server, asked: str, status: int, start: int, end: int) -> None:
    answer, body = ask(server, "/live/image", Range=asked)
    assert (answer.status, body) == (status, CONTENT[start:end])
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/live", "/live/", "/other", "/../secret", "/live/../other", "/live/../../secret", "/%2e%2e/secret",
        "/live//image", "/./live/image", "/live/image/", "/live/image%00", "/%", "/%ff", "*",
        "http://127.0.0.1/live/image", "/" + "a" * 9000,
    ],
)  # fmt: skip
def test_nothing_else_is_offered(server: Server, path: str) -> None:
    answer, body = ask(server, path or "x")
    assert (answer.status, body) == (404, b"404 Not Found\n")


@pytest.mark.parametrize("path", ["/link", "/gone"])
def test_a_link_and_what_is_gone(server: Server, path: str) -> None:
    """A link that someone puts in the place of a file is not followed."""
    assert raw(server, f"GET {path} HTTP/1.1\r\n\r\n".encode()) == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "PROPFIND"])
def test_other_methods(server: Server, method: str) -> None:
    answer, _ = ask(server, "/live/image", method)
    assert answer.status == 501


@pytest.mark.parametrize(
    "request_",
    [
        b"\0" * 100_000, b"GET /" + b"a" * 100_000, b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000,
        b"GET / HTTP/1.1\r\n:\r\n\r\n", b"GET /live/image HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /live/image HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /", "GET /\u2028 HTTP/1.1\r\n\r\n".encode(),
    ],
)  # fmt: skip
def test_requests_that_are_none(server: Server, capfd: pytest.CaptureFixture[str], request_: bytes) -> None:
    """Nothing is printed of them, no content is sent, and the next one is answered."""
    try:
        said = raw(server, request_)
    except OSError:  # It was closed before all was sent.
        said = b""
    assert CONTENT[:256] not in said
    assert b"Traceback" not in said
    assert ask(server, "/grub.efi")[1] == b"efi"
    assert capfd.readouterr() == ("", "")


def test_so_many_connections_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further ones are closed at once; when others end, there is room again."""
    del monkeypatch
    with ExitStack() as opened:
        for _ in range(http_files.MOST_CLIENTS):
            opened.enter_context(socket.create_connection(("127.0.0.1", server.server_port), timeout=10))
        deadline = time.monotonic() + 10
        while raw_is_answered(server):
            assert time.monotonic() < deadline
    deadline = time.monotonic() + 10
    while not raw_is_answered(server):
        assert time.monotonic() < deadline
    assert threading.active_count() < 3 * http_files.MOST_CLIENTS


def raw_is_answered(server: Server) -> bool:
    try:
        return b"efi" in raw(server, b"GET /grub.efi HTTP/1.0\r\n\r\n")
    except ConnectionError:
        return False


def test_who_says_nothing_is_left(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_files._Handler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(b"GET /li")
        assert connection.recv(1) == b""


def test_it_stops(root: Path) -> None:
    """Also while someone is connected; the port is free again then."""
    with offered(root, ["live/image"], "127.0.0.1", 0) as server:
        port = server.server_port
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    started = time.monotonic()
    with offered(root, ["live/image"], "127.0.0.1", port):
        pass
    connection.close()
    assert time.monotonic() - started < 5
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_port_that_is_taken(root: Path, server: Server) -> None:
    with pytest.raises(OSError, match="in use"), offered(root, [], "127.0.0.1", server.server_port):
        pass


def test_ipv6(root: Path) -> None:
    try:
        with offered(root, ["grub.efi"], "::1", 0) as server:
            connection = HTTPConnection("::1", server.server_port, timeout=10)
            connection.request("GET", "/grub.efi")
            assert connection.getresponse().read() == b"efi"
            connection.close()
    except OSError as error:
        if sys.platform == "linux" and os.path.exists("/proc/net/if_inet6"):
            raise
        pytest.skip(str(error))
