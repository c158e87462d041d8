"""The proxy of a step behind the host's own proxy, and what it takes for a request."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as some

from debate import PACKAGE
from debate.host.run import own
from debate.model import Reach
from debate.sandbox import proxy


class _HostProxy(socketserver.ThreadingTCPServer):
    """Answers each request with 200 and notes its head."""

    daemon_threads = True
    heads: list[str]


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
        assert isinstance(self.server, _HostProxy)
        self.server.heads.append(head)
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nfrom the host's proxy")


@pytest.fixture
def upstream() -> Iterator[_HostProxy]:
    with _HostProxy(("127.0.0.1", 0), _Handler) as server:
        server.heads = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(reach: Reach, request: str) -> str:
    """What a client gets."""

    async def run() -> str:
        server = await asyncio.start_server(proxy._Proxy(reach, 1 << 20).serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(f"{request} HTTP/1.1\r\nProxy-Authorization: Basic theirs\r\nA: b\r\n\r\n".encode())
            said = await reader.read()
            writer.close()
            return said.decode()

    return asyncio.run(run())


@pytest.mark.parametrize("started", [True, False])
def test_a_session_that_ends_first(started: bool) -> None:
    """It has no use for reports, and its log none for a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        given = {**asdict(Reach()), "listener": listener.fileno(), "uid": os.geteuid(), "most": 1}
        child = subprocess.Popen(
            own("debate.sandbox.proxy"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=(listener.fileno(),), env={"PYTHONPATH": str(PACKAGE.parent)},
        )  # fmt: skip
        with child:
            assert child.stdin
            assert child.stdout
            assert child.stderr
            child.stdout.close()
            if started:
                child.stdin.write(json.dumps(given).encode() + b"\n")
            child.stdin.close()
            assert child.stderr.read() == b""


def through(server: _HostProxy, **more: str) -> Reach:
    port = server.server_address[1]
    address = f"http://me:w%6Frd@127.0.0.1:{port}"
    return Reach(trusted=(f"127.0.0.1:{port}",), proxies={"http": address, "https": address, **more})


def test_the_hosts_proxy_gets_the_whole_address_and_its_own_login(upstream: _HostProxy) -> None:
    said = ask(through(upstream), "GET http://m.invalid/debian/x")
    assert said.endswith("from the host's proxy")
    assert upstream.heads == [
        "GET http://m.invalid/debian/x HTTP/1.1\r\nHost: m.invalid\r\n"
        "Proxy-Authorization: Basic bWU6d29yZA==\r\nA: b\r\n"
    ]


def test_a_tunnel_through_the_hosts_proxy(upstream: _HostProxy) -> None:
    said = ask(through(upstream), "CONNECT m.invalid:443")
    assert said.startswith("HTTP/1.1 200 OK\r\n\r\n")
    assert said.endswith("from the host's proxy")
    assert upstream.heads[0].startswith(
        "CONNECT m.invalid:443 HTTP/1.1\r\nHost: m.invalid:443\r\nProxy-Authorization: "
    )


@pytest.mark.parametrize(
    "target", ["http://10.1.2.3/", "http://localhost/", "http://169.254.169.254/x", "http://0x7f.1/"]
)
def test_it_is_not_asked_for_what_is_inside(upstream: _HostProxy, target: str) -> None:
    assert ask(through(upstream), f"GET {target}").startswith("HTTP/1.1 403 ")
    assert upstream.heads == []


def test_hosts_without_a_proxy(upstream: _HostProxy) -> None:
    port = upstream.server_address[1]
    for more in ({"http::127.0.0.1": "DIRECT"}, {"no": "m.example, 127.0.0.1"}, {"no": "*"}):
        assert ask(through(upstream, **more), f"GET http://127.0.0.1:{port}/x").endswith("from the host's proxy")
    assert [head.split("\r\n")[0] for head in upstream.heads] == ["GET /x HTTP/1.1"] * 3
    assert not any("Authorization" in head for head in upstream.heads)


@pytest.mark.parametrize("address", ["socks5h://127.0.0.1:1080", "http://", "http://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used(address: str) -> None:
    said = ask(Reach(trusted=("m.invalid:80",), proxies={"http": address}), "GET http://m.invalid/")
    assert said.startswith("HTTP/1.1 502 ")
    assert "the host's proxy" in said.split("\r\n")[0]


def test_a_name_that_does_not_exist() -> None:
    assert ask(Reach(), "GET http://m.invalid/").startswith("HTTP/1.1 502 Could not resolve the host: ")


NO_REQUESTS = (
    "GET /x", "GET https://m.example/", "POST http://m.example/", "GET http:///x", "CONNECT m", "GET ftp://m.example/",
    "CONNECT a b:80", "GET http://m\x00.example/", "GET http://m.example:99999/",
)  # fmt: skip


@pytest.mark.parametrize("request_", NO_REQUESTS)
def test_what_is_no_request_for_a_download(request_: str) -> None:
    assert ask(Reach(), request_).startswith("HTTP/1.1 400 ")


WORDS = (
    "GET", "CONNECT", " ", "http://", "//", "m.example", ":80", "[::1]", "[", "]", "%", "@", "/", "\r\n", "\n", "\0",
    "é", "HTTP/1.1", "Host:", "Content-Length: 5",
)  # fmt: skip


@given(some.binary() | some.lists(some.sampled_from(WORDS), max_size=12).map(lambda words: "".join(words).encode()))
def test_any_head_is_a_request_or_refused(head: bytes) -> None:
    try:
        request = proxy._parse(head + b"\r\n\r\n")
    except ValueError:
        return
    sent = proxy._head(f"GET {request.path} HTTP/1.1", f"Host: {request.authority}", *request.headers).decode("latin-1")
    assert sent.count("\r\n\r\n") == 1
    assert not any(line.lower().startswith("content-length") for line in sent.split("\r\n"))
