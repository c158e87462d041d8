"""Offers files by HTTP, and nothing else: no lists of directories, no methods but GET and HEAD, bounds on all.

Sources: RFC 9110 (14, range requests), RFC 9112; UEFI specification 2.10, 24.7 (HTTP boot: it asks with HEAD first).
"""

from __future__ import annotations

import re
import socket
import threading
import urllib.parse
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from debate.host.beneath import Tree

MOST_CLIENTS = 32
"""Connections at a time; further ones are closed at once."""
PATIENCE = 30
"""Seconds for a request, and for each part of an answer that is not taken."""
_HEADERS = 16 << 10
"""Bytes of a request."""
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_TYPES = {".efi": "application/efi"}
"""By it UEFI knows what it may start."""


class Server(ThreadingHTTPServer):
    """The server. It opens files when they are asked for, without following links."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, root: Path, names: Collection[str], address: str, port: int, say: Callable[[str], None]) -> None:
        """Offers the files ``names``, paths below ``root``; port 0 is a free one. Raises OSError."""
        self.root, self.names, self.say = root, frozenset(names), say
        self._free = threading.BoundedSemaphore(MOST_CLIENTS)
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        """Without the name of the host, for which the base class asks DNS."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a file that did. The answer ended with it."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    server_version, sys_version = "debate", ""
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    rbufsize = _HEADERS
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain"

    def setup(self) -> None:
        super().setup()
        self.rfile = _Bounded(self.rfile)  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        self.rfile.left = _HEADERS  # type: ignore[attr-defined]
        super().handle_one_request()

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if self.headers.get("Transfer-Encoding") or self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True  # What follows would be read as the next request.
            self.send_error(400)
            return
        name = urllib.parse.unquote(self.path.partition("?")[0]).removeprefix("/")
        if name not in self.server.names:
            self.send_error(404)
            return
        try:
            with Tree(self.server.root) as tree, tree.open(name) as file:
                self._send(name, file, file.seek(0, 2), body=body)
        except OSError:
            self.close_connection = True

    def _send(self, name: str, file: Any, size: int, *, body: bool) -> None:
        start, end = 0, size
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        if found:
            start, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
            if start >= end:
                self.close_connection = True
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if found else 200)
        self.send_header("Content-Type", _TYPES.get(Path(name).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        if found:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        if body and end > start:
            self.wfile.flush()
            self.connection.sendfile(file, start, end - start)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - of the base class
        self.server.say(f"{self.client_address[0]}: {self.requestline} {getattr(code, 'value', code)}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the base class
        """What else the base class tells, such as that a client was slow, is nobody's concern."""


class _Bounded:
    """The requests of a connection, of which each may have so many bytes."""

    def __init__(self, file: Any) -> None:
        self._file, self.left = file, _HEADERS

    def readline(self, most: int) -> bytes:
        line: bytes = self._file.readline(min(most, self.left))
        self.left -= len(line)
        if not self.left:
            raise ConnectionError
        return line

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)


@contextmanager
def offered(
    root: Path, names: Collection[str], address: str, port: int, say: Callable[[str], None] = lambda _: None
) -> Iterator[Server]:
    """A `Server` that answers in a thread of its own until the end of the context. Raises OSError."""
    with Server(root, names, address, port, say) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
