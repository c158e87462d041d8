"""A remote that answers with whatever it likes costs a line: it can neither hold a builder nor fill its memory or disk.

Each server here is real, on this host's loopback, and does one thing to every request, for ever.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.cache.store import Store
from debate.model import Artifact
from debate.remote import oci, wire
from debate.remote.credentials import Credentials
from debate.remote.errors import RegistryError
from debate.remote.oci import Registry
from debate.remote.remote import Remote
from debate.remote.statements import ACTION, Statement, manifest
from debate.settings import Limits, Settings

DATA = bytes(range(256)) * 16
ARTIFACT = Artifact(keys.sha256(DATA), len(DATA))
SENT = 64 << 20
"""More bytes than any client may take from a server that sends as fast as it can, with all attempts and buffers."""


class Server:
    """Calls ``act`` with each connection's socket, after the head of a request, until the connection ends."""

    def __init__(self, act: Callable[[Server, socket.socket, bytes], None], *, at_once: bool = False) -> None:
        self.act, self.at_once, self.sent, self.over = act, at_once, 0, threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listening.close()

    def _accept(self) -> None:
        served = []
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                break
            served.append(threading.Thread(target=self._serve, args=(connection,)))
            served[-1].start()
        for thread in served:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.1)
        with connection, contextlib.suppress(OSError):
            while not self.over.is_set():
                head = b""
                while not self.at_once and b"\r\n\r\n" not in head:
                    with contextlib.suppress(TimeoutError):
                        more = connection.recv(65536)
                        if not more:
                            return
                        head += more
                    if self.over.is_set():
                        return
                self.act(self, connection, head)

    def say(self, connection: socket.socket, data: bytes) -> None:
        while data and not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                count = connection.send(data)
                self.sent += count
                data = data[count:]

    def drip(self, connection: socket.socket, data: bytes) -> None:
        for byte in data:
            if self.over.wait(0.05):
                return
            self.say(connection, bytes([byte]))


Act = Callable[[Server, socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nLocation: /v2/a/blobs/uploads/1\r\n"


def endless(start: bytes, send: Callable[[Server, socket.socket], None]) -> Act:
    """Sends ``start``, then calls ``send`` again and again."""

    def act(server: Server, connection: socket.socket, _: bytes) -> None:
        server.say(connection, start)
        while not server.over.is_set():
            send(server, connection)

    return act


def flood(start: bytes, again: bytes) -> Act:
    """Sends ``start``, then ``again`` without end."""
    return endless(start, lambda server, connection: server.say(connection, again))


def drip(start: bytes, rest: bytes) -> Act:
    """Sends ``start``, then a byte of ``rest`` now and then, without end."""
    return endless(start, lambda server, connection: server.drip(connection, rest))


def answer(data: bytes) -> Act:
    return lambda server, connection, _: server.say(connection, data)


def cut(data: bytes) -> Act:
    """Sends ``data`` and closes the connection."""

    def act(server: Server, connection: socket.socket, _: bytes) -> None:
        server.say(connection, data)
        raise OSError

    return act


def silent(server: Server, _: socket.socket, __: bytes) -> None:
    server.over.wait()


def redirects() -> Act:
    numbers = itertools.count()

    def act(server: Server, connection: socket.socket, _: bytes) -> None:
        server.say(connection, b"HTTP/1.1 307 On\r\nContent-Length: 0\r\nLocation: /v2/%d\r\n\r\n" % next(numbers))

    return act


def body(data: bytes, size: int | None = None, more: bytes = b"") -> bytes:
    return OK + more + b"Content-Length: %d\r\n\r\n" % (len(data) if size is None else size) + data


def redirect(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"


SERVERS: dict[str, Act] = {
    "accepts and never answers": silent,
    "closes": cut(b""),
    "closes within the status": cut(b"HTTP/1.1 20"),
    "closes within the header": cut(OK),
    "closes within the body": cut(body(DATA[:10], len(DATA))),
    "drips the status": drip(b"HTTP/1.1 200 ", b"O"),
    "drips headers": drip(OK, b"X-A: b\r\n"),
    "drips one header": drip(OK + b"X-A: ", b"b"),
    "drips provisional answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips a body": drip(body(b"", 1 << 40), b"x"),
    "drips chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "drips trailers": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"),
    "a status without end": flood(b"HTTP/1.1 200 ", b"O" * 65536),
    "headers without end": flood(OK, b"X-A: b\r\n" * 1000),
    "a header without end": flood(OK + b"X-A: ", b"b" * 65536),
    "provisional answers without end": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a body without end": flood(body(b"", 1 << 50), b"x" * 65536),
    "a body until it closes, without end": flood(OK + b"\r\n", b"x" * 65536),
    "chunks without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "a chunk's size without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    "trailers without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 1000),
    "a million tags": answer(body(json.dumps({"tags": ["t"] * 1_000_000}).encode()[: 4 << 20])),
    "deep JSON": answer(body(b"[" * (1 << 20))),
    "compressed": answer(body(b"\x1f\x8b\x08\0" + b"\0" * 100, more=b"Content-Encoding: gzip\r\n")),
    "more than it said": answer(body(DATA + b"x", len(DATA))),
    "less than it said": cut(body(DATA[:-1], len(DATA))),
    "other bytes": answer(body(bytes(len(DATA)))),
    "a size that is none": answer(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "two sizes": answer(OK + b"Content-Length: 1, 2\r\n\r\nxx"),
    "a size below 0": cut(OK + b"Content-Length: -1\r\n\r\n"),
    "a status that is none": answer(b"HTTP/1.1 9 OK\r\n\r\n"),
    "another protocol": answer(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "zeros": flood(b"", bytes(65536)),
    "wants a password": answer(b'HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm="a"\r\n\r\n'),
    "wants something": answer(b'HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: ,="\r\n\r\n'),
    "redirects for ever": redirects(),
    "redirects to itself": answer(redirect(b"")),
    "redirects without TLS": answer(redirect(b"http://registry.invalid/")),
    "redirects to a file": answer(redirect(b"file:///etc/passwd")),
    "redirects to no address": answer(redirect(b"http://[::1")),
    "redirects to no port": answer(redirect(b"https://a:99999999999/")),
    "redirects to no name": answer(redirect(b"https://" + b"a." * 5000 + b"/")),
    "redirects to bytes": answer(redirect(b"\xff\xfe\x80")),
    "is full": answer(b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\n\r\n"),
    "is down, at length": flood(b"HTTP/1.1 503 Down\r\n\r\n", b"x" * 65536),
}


def pull(client: Registry, path: Path) -> None:
    with path.with_name("pulled").open("w+b") as file:
        client.pull(ARTIFACT, file)


EXCHANGES: dict[str, Callable[[Registry, Path], object]] = {
    "manifest": lambda client, _: client.manifest("tag"),
    "has": lambda client, _: client.has(ARTIFACT.digest),
    "pull": pull,
    "push": lambda client, path: client.push(ARTIFACT, path),
    "put_manifest": lambda client, _: client.put_manifest("tag", b"{}"),
}


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    (tmp_path / "blob").write_bytes(DATA)
    return tmp_path / "blob"


@contextlib.contextmanager
def serving(act: Act, *, at_once: bool = False) -> Iterator[Server]:
    server = Server(act, at_once=at_once)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def connected(server: Server, timeout: float = 0.4) -> Iterator[Registry]:
    client = Registry(f"127.0.0.1:{server.port}", "a", Credentials(), tls=False, timeout=timeout)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("name", SERVERS)
def test_every_exchange_ends_with_a_line(name: str, blob: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or with an answer, which is only a claim."""
    monkeypatch.setattr(oci, "_pause", lambda _: None)

    failures: list[RegistryError] = []  # With all that their tracebacks hold.

    def line(exchange: Callable[[Registry, Path], object]) -> str:
        try:
            exchange(client, blob)
        except RegistryError as error:
            failures.append(error)
            return str(error)
        return "an answer"

    with serving(SERVERS[name]) as server, connected(server) as client, ThreadPoolExecutor() as pool:
        lines = list(pool.map(line, EXCHANGES.values()))
    sockets = [one for one in gc.get_objects() if isinstance(one, wire._Timed)]
    assert [one for one in sockets if one.fileno() >= 0] == [], f"left open after {len(failures)} failures"
    assert all(line.isprintable() and len(line) < 500 for line in lines)
    assert server.sent < SENT
    assert blob.with_name("pulled").stat().st_size <= len(DATA)


@pytest.mark.parametrize("name", ["accepts and never answers", "drips headers", "drips a body", "chunks without end"])
def test_a_lookup_costs_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "_pause", lambda _: None)
    said: list[str] = []
    with serving(SERVERS[name]) as server:
        settings = Settings(
            tmp_path, tmp_path / "cache", tmp_path, remote=f"oci+http://127.0.0.1:{server.port}/a", remote_timeout=1
        )
        remote = Remote(settings, Store(tmp_path / "cache"), said.append)
        found = [remote.lookup("rootfs", character * 64, ("layer",)) for character in "abcdef"]
        remote.finish()
    assert found == [None] * 6
    failed = [line for line in said if "rootfs" in line]
    assert len(failed) <= 3
    assert failed[-1].endswith("it is not used for the rest of this run")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_registry_that_fails_for_good_is_waited_for_once(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another lookup nor what is to be sent waits again."""
    waits: list[int] = []
    monkeypatch.setattr(oci, "_pause", waits.append)
    said: list[str] = []
    with serving(answer(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        settings = Settings(tmp_path, tmp_path / "cache", tmp_path, remote=f"oci+http://127.0.0.1:{server.port}/a")
        store = Store(tmp_path / "cache")
        remote = Remote(settings, store, said.append)
        assert [remote.lookup("rootfs", character * 64, ("layer",)) for character in "abcdef"] == [None] * 6
        remote.send("rootfs", "a" * 64, {"layer": store.put(b"x")}, 1, {})
        remote.finish()
    assert waits == [1, 2, 3]
    (line,) = said
    assert f"the registry answered {status}" in line
    assert line.endswith("; it is not used for the rest of this run")


def statement(files: dict[str, Artifact]) -> bytes:
    return manifest(Statement(ACTION, "k" * 64, files, {"seconds": 1}), {}, "")


def stating(files: dict[str, Artifact], blob: bytes) -> Act:
    """A registry that has one statement, and sends ``blob`` as every file."""

    def act(server: Server, connection: socket.socket, head: bytes) -> None:
        server.say(connection, body(statement(files) if b"/manifests/" in head else blob))

    return act


NAMED = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("files", "sent", "fact"),
    [
        (
            {"layer": Artifact(NAMED, 10**12)},
            b"",
            "the statement has files of 1,000,000,000,000 bytes; raise DEBATE_BYTES, 10 MiB, if that is right",
        ),
        (
            {f"n{n}": Artifact(f"sha256:{n:064}", 6 << 20) for n in range(2)},
            b"",
            "the statement has files of 12,582,912",
        ),
        ({"layer": Artifact(NAMED, 5)}, b"12345", "the registry sent other bytes"),
        ({"layer": Artifact(keys.sha256(b"1234"), 5)}, b"1234", "the connection was lost"),
        ({"layer": Artifact(keys.sha256(b"12345"), 4)}, b"12345", "the registry sent other bytes"),
        ({"../layer": Artifact(NAMED, 5)}, b"12345", "the statement lacks outputs of the step, or adds some"),
        ({f"n{n}": Artifact(NAMED, 0) for n in range(9000)}, b"", "the statement lacks outputs of the step"),
    ],
    ids=["huge", "huge together", "other bytes", "more is stated", "less is stated", "another name", "many"],
)
def test_a_statement_that_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, Artifact], sent: bytes, fact: str
) -> None:
    monkeypatch.setattr(oci, "_pause", lambda _: None)
    said: list[str] = []
    with serving(stating(files, sent)) as server:
        settings = Settings(
            tmp_path,
            tmp_path / "cache",
            tmp_path,
            remote=f"oci+http://127.0.0.1:{server.port}/a",
            remote_timeout=2,
            limits=Limits(bytes=10 << 20),
        )
        store = Store(tmp_path / "cache")
        remote = Remote(settings, store, said.append)
        names = files.keys() if all(name.startswith(("layer", "n")) and len(files) < 9 for name in files) else {"layer"}
        assert remote.lookup("rootfs", "k" * 64, names) is None
        remote.finish()
    assert len(said) == 1
    assert fact in said[0]
    assert not any(map(store.has, files.values()))


def test_a_statement_of_more_than_the_disk_has(tmp_path: Path) -> None:
    said: list[str] = []
    files = {"layer": Artifact(NAMED, 1 << 43)}
    with serving(stating(files, b"")) as server:
        settings = Settings(
            tmp_path,
            tmp_path / "cache",
            tmp_path,
            remote=f"oci+http://127.0.0.1:{server.port}/a",
            limits=Limits(bytes=1 << 44),
        )
        remote = Remote(settings, Store(tmp_path / "cache"), said.append)
        assert remote.lookup("rootfs", "k" * 64, {"layer"}) is None
        remote.finish()
    assert "its files have 8,796,093,022,208 bytes, and" in said[0]
    assert not list((tmp_path / "cache").glob("incoming/*"))


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 206 \r\n",
        b"HTTP/1.1 302 F\r\n",
        b"HTTP/1.1 401 N\r\n",
        b"HTTP/1.1 100 C\r\n",
        b"HTTP/1.0 500",
        b"HTTP/9.9 200 a\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Location: /v2/x\r\n",
        b"Location: \x00\r\n",
        b"Location: //\r\n",
        b"Location: http://a@b:c/\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n",
        b"-1\r\n",
        b"ffffffffffffffffffff\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b": \r\n",
        b" folded\r\n",
        b"Connection: close\r\n",
        b'WWW-Authenticate: Bearer realm="https://a/",service=\r\n',
        b"Range: 0-99999999999999999999\r\n",
        b"Content-Range: bytes 7-\r\n",
        b'{"config": {}}',
    ]
) | st.binary(max_size=20)


@pytest.fixture(scope="module")
def saying() -> Iterator[tuple[Server, list[bytes]]]:
    """A server that sends what is in the list and closes."""
    data = [b""]
    with serving(lambda server, connection, head: cut(data[0])(server, connection, head)) as server:
        yield server, data


@given(st.lists(PIECES, max_size=12).map(b"".join), st.sampled_from(sorted(EXCHANGES)))
def test_no_answer_is_a_traceback(
    saying: tuple[Server, list[bytes]], tmp_path_factory: pytest.TempPathFactory, data: bytes, exchange: str
) -> None:
    server, said = saying
    said[0] = data
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(DATA)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.suppress(RegistryError),
        connected(server, timeout=5) as client,
    ):
        patch.setattr(oci, "_pause", lambda _: None)
        EXCHANGES[exchange](client, path)


def test_a_slow_reader_of_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the head of the upload and then nothing."""
    monkeypatch.setattr(oci, "_pause", lambda _: None)
    data = bytes(8 << 20)
    (tmp_path / "blob").write_bytes(data)
    monkeypatch.setattr(oci, "_SLOWEST", 1 << 30)

    def act(server: Server, connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"HEAD"):
            server.say(connection, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        elif head.startswith(b"POST"):
            server.say(connection, b"HTTP/1.1 202 Go\r\nContent-Length: 0\r\nLocation: /v2/a/blobs/uploads/1\r\n\r\n")
        else:
            server.over.wait()

    with (
        serving(act) as server,
        connected(server) as client,
        pytest.raises(RegistryError, match="slower than"),
    ):
        client.push(Artifact(keys.sha256(data), len(data)), tmp_path / "blob")


def test_a_good_answer(blob: Path) -> None:
    """So that these servers could be believed."""
    with serving(answer(body(DATA))) as server, connected(server, timeout=5) as client:
        assert client.manifest("tag") == DATA
        pull(client, blob)
    assert blob.with_name("pulled").read_bytes() == DATA
