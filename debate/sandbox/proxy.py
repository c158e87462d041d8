"""The proxy of a step with a network: the only way from its own network to the outside.

A process of the host, as an unprivileged user. It takes HTTP requests with absolute addresses and CONNECT, finds the
host's addresses itself, and connects only to what `Reach` permits; so each redirect is judged like a first request.
Responses are passed on unread. The client is hostile: requests are bounded, and nothing in them is trusted.

Its first line of input is JSON with the fields of `Reach`, ``listener`` (descriptor of the socket), ``uid``, and
``most`` (bytes from outside). When the input ends, it prints a JSON object, ``HOST:PORT`` -> [address, fact, remedy],
of what it could not connect to, and ends. The remedy is empty unless the connection was refused.

Source: RFC 9110 and 9112.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import encodings.idna  # noqa: F401 - see _run
import json
import os
import re
import socket
import ssl
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from debate.host.run import die_with_parent
from debate.model import Reach
from debate.sandbox.addresses import IF_MEANT, PORTS, is_direct, is_own, is_public, joined

_HEAD = 1 << 16
"""Bytes of a request without its body, and of other buffers."""
_CHUNK = 1 << 18
_IDLE = 120
"""Seconds without a byte in either direction after which a connection is closed."""
_CONNECT = 30
"""Seconds for each address of a host."""
_CLIENTS = 64
_RESOLVERS = 8
_REPORTS = 50
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?")
_DIRECT = "DIRECT"


class _FailedError(Exception):
    """A connection that cannot be made; with a remedy one that may not be made."""

    def __init__(self, fact: str, remedy: str = "") -> None:
        super().__init__(fact)
        self.fact, self.remedy = fact, remedy


@dataclass(frozen=True)
class _Request:
    method: str
    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[str, ...]

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if PORTS.get(self.scheme) == self.port and self.method != "CONNECT" else f"{host}:{self.port}"


@dataclass
class _Upstream:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    proxy: str = ""
    """The host's own proxy, which gets the request as it is."""


@dataclass
class _Proxy:
    reach: Reach
    most: int
    """Bytes that may still come in."""
    reports: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    clients: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.clients += 1
        try:
            if self.clients <= _CLIENTS:
                await _Connection(self, reader, writer).run()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass  # It does not matter to anyone but the client, which sees that the connection ends.
        finally:
            self.clients -= 1
            await _close(writer)

    async def connect(self, request: _Request) -> _Upstream:
        """Raises _FailedError."""
        name = joined(request.host, request.port)
        try:
            found = await self._connect(request)
        except _FailedError as error:
            if name in self.reports or len(self.reports) < _REPORTS:
                self.reports[name] = (f"{request.scheme}://{request.authority}", error.fact, error.remedy)
            raise
        self.reports.pop(name, None)
        return found

    async def _connect(self, request: _Request) -> _Upstream:
        proxy = self._proxy(request)
        addresses = await self._addresses(request, resolve=not proxy)
        if proxy:
            return await self._through(proxy, request)
        fact = ""
        for family, address in addresses:
            try:
                async with asyncio.timeout(_CONNECT):
                    reader, writer = await asyncio.open_connection(
                        address, request.port, family=family, flags=socket.AI_NUMERICHOST, limit=_CHUNK
                    )
                return _Upstream(reader, writer)
            except TimeoutError:
                fact = "no answer"
            except OSError as error:
                fact = os.strerror(error.errno) if error.errno else str(error)
        raise _FailedError(f"Unable to connect: {fact}")

    async def _addresses(self, request: _Request, *, resolve: bool) -> list[tuple[int, str]]:
        """The permitted addresses of the host, with their families."""
        name, loop = joined(request.host, request.port), asyncio.get_running_loop()
        trusted = name in self.reach.trusted
        if trusted and not resolve:
            return []
        try:
            found = await loop.getaddrinfo(request.host, request.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if not resolve:
                found = []  # Only the host's proxy knows it.
            else:
                raise _FailedError(f"Could not resolve the host: {getattr(error, 'strerror', error)}") from None
        addresses = [(int(family), str(address[0])) for family, _, _, _, address in found]
        if trusted:
            return addresses
        public = [(family, address) for family, address in addresses if is_public(address) and not is_own(address)]
        if addresses and not public:
            raise _FailedError(f"{addresses[0][1]} is no public address, so the connection is refused", IF_MEANT)
        if request.port not in PORTS.values() and name not in self.reach.public:
            raise _FailedError(f"nothing but ports 80 and 443 may be reached there, not {request.port}", IF_MEANT)
        return public

    def _proxy(self, request: _Request) -> str:
        """The host's proxy for a request, or an empty string."""
        proxies = self.reach.proxies
        found = proxies.get(f"{request.scheme}::{request.host}") or proxies.get(request.scheme, "")
        return "" if found == _DIRECT or is_direct(request.host, proxies.get("no", "")) else found

    async def _through(self, proxy: str, request: _Request) -> _Upstream:
        """Connect to the host's own proxy, and for CONNECT through it."""
        parts = urllib.parse.urlsplit(proxy)
        if parts.scheme not in PORTS or not parts.hostname:
            raise _FailedError("the host's proxy is not an http or https address, so it cannot be used")
        context = ssl.create_default_context() if parts.scheme == "https" else None
        try:
            async with asyncio.timeout(_CONNECT):
                reader, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or PORTS[parts.scheme], ssl=context, limit=_CHUNK
                )
                upstream = _Upstream(reader, writer, proxy)
                if request.method == "CONNECT":
                    writer.write(
                        _head(f"CONNECT {request.authority} HTTP/1.1", f"Host: {request.authority}", *_login(proxy))
                    )
                    answer = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode("latin-1")
                    if not re.fullmatch(r"HTTP/1\.[01] 2[0-9][0-9].*", answer):
                        raise _FailedError(f"the host's proxy answers {answer[:100]}")
                return upstream
        except TimeoutError:
            raise _FailedError("no answer from the host's proxy") from None
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise _FailedError(f"Unable to connect to the host's proxy: {error}") from None

    def count(self, size: int) -> None:
        """Raises EOFError after too many bytes."""
        self.most -= size
        if self.most < 0:
            raise EOFError


@dataclass
class _Connection:
    proxy: _Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: _Upstream | None = None
    name: str = ""
    """``HOST:PORT`` that ``upstream`` is for."""
    answers: asyncio.Task[None] | None = None
    moved: int = 0
    """Bytes passed on so far."""

    async def run(self) -> None:
        """Answer requests until the client or a server ends the connection."""
        try:
            while head := await self._next():
                try:
                    request = _parse(head)
                    upstream = await self._open(request)
                except ValueError:
                    await self._refuse(400, "not a request for a download")
                    return
                except _FailedError as error:
                    await self._refuse(403 if error.remedy else 502, error.fact)
                    return
                if request.method == "CONNECT":
                    await self._tunnel(upstream)
                    return
                await self._forward(request, upstream)
        finally:
            await self._leave()

    async def _next(self) -> bytes:
        """The head of the next request, or nothing."""
        reading = asyncio.create_task(self.reader.readuntil(b"\r\n\r\n"))
        try:
            await self._wait(reading)
            if not reading.done():
                return b""
            return reading.result()
        except asyncio.IncompleteReadError:
            if self.answers and self.upstream:
                self.upstream.writer.write_eof()
                await self._wait(self.answers)
            return b""
        finally:
            reading.cancel()

    async def _wait(self, task: asyncio.Task[bytes] | asyncio.Task[None]) -> None:
        """Wait for the task, the end of the answers, or until nothing moves."""
        before = -1
        tasks = {task, *([self.answers] if self.answers else [])}
        while before != self.moved:
            before = self.moved
            if (await asyncio.wait(tasks, timeout=_IDLE, return_when=asyncio.FIRST_COMPLETED))[0]:
                return

    async def _open(self, request: _Request) -> _Upstream:
        """Raises _FailedError."""
        name = joined(request.host, request.port)
        if self.upstream is None or self.name != name or request.method == "CONNECT":
            await self._leave()
            self.upstream, self.name = await self.proxy.connect(request), name
        return self.upstream

    async def _forward(self, request: _Request, upstream: _Upstream) -> None:
        """Send a request on. The answers follow in their order, since all of them are from one server."""
        proxied = upstream.proxy
        target = f"http://{request.authority}{request.path}" if proxied else request.path
        login = _login(proxied) if proxied else ()
        lines = (f"{request.method} {target} HTTP/1.1", f"Host: {request.authority}", *login, *request.headers)
        upstream.writer.write(_head(*lines))
        await upstream.writer.drain()
        if self.answers is None:
            self.answers = asyncio.create_task(self._pump(upstream.reader, self.writer, count=True))

    async def _tunnel(self, upstream: _Upstream) -> None:
        self.writer.write(_head("HTTP/1.1 200 OK"))
        self.answers = asyncio.create_task(self._pump(upstream.reader, self.writer, count=True))
        asking = asyncio.create_task(self._pump(self.reader, upstream.writer))
        try:
            await self._wait(asking)
            if not self.answers.done():
                await self._wait(self.answers)
        finally:
            asking.cancel()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, count: bool = False) -> None:
        with contextlib.suppress(OSError, EOFError):
            while chunk := await source.read(_CHUNK):
                if count:
                    self.proxy.count(len(chunk))
                self.moved += len(chunk)
                target.write(chunk)
                await target.drain()
            if target.can_write_eof():
                target.write_eof()

    async def _refuse(self, status: int, fact: str) -> None:
        said = re.sub(r"[^ -~]", "?", fact)
        self.writer.write(_head(f"HTTP/1.1 {status} {said}", "Content-Length: 0", "Connection: close"))
        with contextlib.suppress(OSError):
            self.writer.write_eof()
            async with asyncio.timeout(5):  # If unread requests are left, the client gets no answer.
                while await self.reader.read(_HEAD):
                    pass

    async def _leave(self) -> None:
        if self.answers:
            self.answers.cancel()
            self.answers = None
        if self.upstream:
            await _close(self.upstream.writer)
            self.upstream = None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            await writer.wait_closed()


def _head(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _login(proxy: str) -> tuple[str, ...]:
    parts = urllib.parse.urlsplit(proxy)
    if not parts.username:
        return ()
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return (f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}",)


_DROPPED = (
    "host",
    "proxy-authorization",
    "proxy-connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "expect",
)


def _parse(head: bytes) -> _Request:
    """A request from its head. Raises ValueError if it is none that a download needs."""
    first, *headers = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = first.split(" ")
    if method not in ("GET", "HEAD", "CONNECT") or version not in ("HTTP/1.0", "HTTP/1.1"):
        raise ValueError(first)
    kept = tuple(line for line in headers if line.partition(":")[0].strip().lower() not in _DROPPED)
    if any(re.search(r"[\r\n\0]", line) for line in (target, *kept)):
        raise ValueError(first)
    if method == "CONNECT":
        parts = urllib.parse.urlsplit(f"//{target}")
        scheme, path, port = "https", "", parts.port
    else:
        parts = urllib.parse.urlsplit(target)
        scheme, port = parts.scheme, parts.port or PORTS["http"]
        path = target[len("http://") :].partition("/")[2]
        path = f"/{path}"
        if scheme != "http":
            raise ValueError(first)
    host = (parts.hostname or "").rstrip(".")
    if not port or not _HOST.fullmatch(host):
        raise ValueError(first)
    return _Request(method, scheme, host, port, path, kept)


async def _run(proxy: _Proxy, listener: socket.socket) -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    # This and the codec of names would be imported with the first name, when this user may not read Python's files.
    loop.set_default_executor(ThreadPoolExecutor(_RESOLVERS))
    async with await asyncio.start_server(proxy.serve, sock=listener, limit=_HEAD):
        await ended.wait()
        with contextlib.suppress(OSError):  # The session may have ended, too.
            sys.stdout.write(json.dumps(proxy.reports))
            sys.stdout.flush()
        os._exit(0)  # Clients that are still served are of no interest.


def main() -> None:
    """Serve until standard input ends."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source:
        line = source.readline()
    if not line.endswith(b"\n"):
        return  # The session has ended before it said what to do.
    given = json.loads(line)
    listener, uid, most = socket.socket(fileno=given.pop("listener")), given.pop("uid"), given.pop("most")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    die_with_parent()  # Again, since a change of the user ends that.
    reach = Reach(tuple(given["public"]), tuple(given["trusted"]), given["proxies"])
    asyncio.run(_run(_Proxy(reach, most), listener))


if __name__ == "__main__":
    main()
