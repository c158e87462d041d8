"""A host with a neighbour, in two network namespaces, and a sandbox's network on it. Prints what its client reached.

    unshare --net --mount python -m tests.unit.sandbox.world DIRECTORY

The host has 9.9.9.1 and 10.9.9.1; its neighbour 9.9.9.2, 10.9.9.2 and 169.254.169.254. Both serve HTTP on the ports 80
and 8080 of all their addresses, and say who they are.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import random
import re
import socket
import socketserver
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from debate.model import PROXY_PORT, Reach
from debate.sandbox import network

ABSTRACT = "\0debate-world"
NAMES = """\
127.0.0.1 localhost rebind.example trusted.example mixed.example
9.9.9.2 public.example listed.example mixed.example
9.9.9.1 own.example
169.254.169.254 metadata.example
10.9.9.2 inner.example
::1 six.example
"""
REACH = Reach(public=("listed.example:8080", "inner.example:80"), trusted=("trusted.example:80",))
NEIGHBOUR = """
ip link set lo up
ip link set v1 up
for address in 9.9.9.2/24 10.9.9.2/24 169.254.169.254/16; do ip addr add $address dev v1; done
exec "$1" -m tests.unit.sandbox.world
"""
BIG = 3_000_000


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    who = ""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        said = bytes(BIG) if self.path == "/big" else f"{self.who} {self.path} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None: ...


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6  # and IPv4
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None: ...


def serve(who: str) -> None:
    """Serve on both ports, in the background."""
    handler = type("Handler", (_Handler,), {"who": who})
    for port in (80, 8080):
        threading.Thread(target=_Server(("::", port), handler).serve_forever, daemon=True).start()


def ask(method: str, target: str) -> str:
    """What the proxy answers: who it was, else the status and its reason."""
    with socket.create_connection(("127.0.0.1", PROXY_PORT), timeout=30) as client:
        if method == "CONNECT":
            port = "" if re.search(r":[0-9]+$", target.rpartition("]")[2]) else ":80"
            client.sendall(f"CONNECT {target}{port} HTTP/1.1\r\n\r\n".encode())
            answer = client.recv(1 << 16).decode()
            if not answer.startswith("HTTP/1.1 200 "):
                return answer
            client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        else:
            client.sendall(f"GET http://{target}/ HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        with client.makefile() as answers:
            head, _, body = answers.read().partition("\n\n")
    return body.split(" ")[0] or head


def follow(address: str) -> str:
    """The same for a client that follows redirects."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{PROXY_PORT}"}))
    try:
        with opener.open(address, timeout=30) as answer:
            return str(answer.read().decode().split(" ")[0])
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.reason}"


def raw(data: bytes) -> bytes:
    """What the proxy answers to ``data``, until it ends the connection or 100 kB are there."""
    with socket.create_connection(("127.0.0.1", PROXY_PORT), timeout=30) as client:
        found = b""
        try:
            client.sendall(data)
            with contextlib.suppress(OSError):  # ENOTCONN: the proxy has ended the connection by now.
                client.shutdown(socket.SHUT_WR)
            while len(found) < 100_000 and (chunk := client.recv(1 << 16)):
                found += chunk
        except ConnectionError:
            pass
        return found


def direct() -> list[str]:
    """What can be reached without the proxy."""
    found = []
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET6, ("::1", 80)), (socket.AF_INET, ("9.9.9.1", 80)),
        (socket.AF_INET, ("9.9.9.2", 80)), (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_UNIX, ABSTRACT),
    ):  # fmt: skip
        with socket.socket(family) as client:
            client.settimeout(10)
            try:
                client.connect(address)
                found.append(str(address))
            except OSError:
                pass
    return found


def in_network(net: network.Network, work: Callable[[], object]) -> object:
    """The result of ``work`` in the sandbox's network."""
    found: list[object] = []

    def inside() -> None:
        net.enter()
        found.append(work())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    return found[0]


def garbage() -> bool:
    """Send what is no request. True if the proxy still answers."""
    chance = random.Random(7)  # noqa: S311
    words = [
        b"GET",
        b"CONNECT",
        b"POST",
        b" ",
        b"http://",
        b"public.example",
        b":80",
        b"\r\n",
        b"\0",
        b"\xff",
        b"HTTP/1.1",
    ]
    for _ in range(100):
        raw(b"".join(chance.choices(words, k=12)) + b"\r\n\r\n")
    raw(b"GET http://public.example/ HTTP/1.1\r\nA: " + b"x" * 200_000 + b"\r\n\r\n")
    return ask("GET", "public.example") == "neighbour"


def main(directory: Path) -> None:
    """Make all of it."""
    (directory / "hosts").write_text(NAMES)
    run = subprocess.check_call
    run(["mount", "--bind", directory / "hosts", "/etc/hosts"])
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"])
    run(["ip", "link", "set", "v0", "up"])
    for address in ("9.9.9.1/24", "10.9.9.1/24", "169.254.1.1/16"):
        run(["ip", "addr", "add", address, "dev", "v0"])
    with subprocess.Popen(
        ["unshare", "--net", "--kill-child", "sh", "-c", f"read _; {NEIGHBOUR}", "sh", sys.executable],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as neighbour, socket.socket(socket.AF_UNIX) as local, contextlib.ExitStack() as at_the_end:  # fmt: skip
        at_the_end.callback(neighbour.kill)
        assert neighbour.stdin
        assert neighbour.stdout
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{neighbour.pid}/ns/net") == own:
            pass
        run(["ip", "link", "set", "v1", "netns", str(neighbour.pid)])
        neighbour.stdin.write("\n")
        neighbour.stdin.flush()
        neighbour.stdout.readline()
        serve("host")
        local.bind(ABSTRACT)
        local.listen()
        net = network.make(REACH, 65534, 1 << 30)
        small = network.make(REACH, 65534, 1_000_000)
        tries = json.loads((directory / "tries").read_text())
        pipelined = b"".join(
            b"GET http://public.example/%d HTTP/1.1\r\nHost: other.example\r\n\r\n" % n for n in range(5)
        )
        said = {
            "open": direct(),
            "direct": in_network(net, direct),
            "tries": in_network(net, lambda: [[ask("GET", target), ask("CONNECT", target)] for target in tries]),
            "redirects": in_network(net, lambda: [follow(f"http://public.example/to/http://{t}/") for t in tries]),
            "pipelined": str(in_network(net, lambda: raw(pipelined))),
            "big": in_network(net, lambda: len(raw(b"GET http://public.example/big HTTP/1.1\r\n\r\n")) >= 100_000),
            "too big": in_network(small, lambda: _all(b"GET http://public.example/big HTTP/1.1\r\n\r\n")),
            "garbage": in_network(net, garbage),
            "user": [line.split()[1:] for line in Path(f"/proc/{net.proxy.pid}/status").read_text().splitlines()
                     if line.startswith(("Uid", "Gid", "CapEff"))],
            "reports": [[each.value, each.fact, each.remedy] for each in net.explain([])],
            "ended": net.proxy.returncode,
        }  # fmt: skip
        small.explain([])
    sys.stdout.write(json.dumps(said))


def _all(data: bytes) -> int:
    """How many bytes come."""
    with socket.create_connection(("127.0.0.1", PROXY_PORT), timeout=30) as client:
        client.sendall(data)
        count = 0
        try:
            while chunk := client.recv(1 << 16):
                count += len(chunk)
        except ConnectionError:
            pass
        return count


if __name__ == "__main__":
    if len(sys.argv) == 1:
        serve("neighbour")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait()
    main(Path(sys.argv[1]))
