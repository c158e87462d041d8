"""Who may lead a builder to hosts that are inside: real servers with TLS, in a network that has public addresses."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from debate import PACKAGE
from debate.remote.credentials import Credentials
from debate.remote.errors import RefusedError
from debate.remote.oci import Registry
from tests.serving import serving
from tests.unit.remote.test_login import ARTIFACT, DATA, Answer, Handler, Proxy, Server, certificate

PUBLIC, ANOTHER, PRIVATE, LINK_LOCAL, SHARED = "9.9.9.9", "8.8.8.8", "10.1.1.1", "169.254.1.1", "100.64.0.1"
LOOPBACK, ALL = "127.0.0.1", "0.0.0.0"  # noqa: S104 - in a network of its own
ADDRESSES = (PUBLIC, ANOTHER, PRIVATE, LINK_LOCAL, SHARED)
LED: dict[str, tuple[list[str], list[str], bool]] = {
    "to another registry": ([PUBLIC, ANOTHER], [], True),
    "to loopback": ([PUBLIC, LOOPBACK], [], False),
    "to all of this host": ([PUBLIC, ALL], [], False),
    "to loopback by a name": ([PUBLIC, "localhost"], [], False),
    "to a number": ([PUBLIC, "2130706433"], [], False),
    "to loopback of IPv6": ([PUBLIC, "[::1]"], [], False),
    "to a local address of IPv6": ([PUBLIC, "[fd00::1]"], [], False),
    "to IPv4 in IPv6": ([PUBLIC, "[::ffff:10.1.1.1]"], [], False),
    "to a private address": ([PUBLIC, PRIVATE], [], False),
    "to a link-local address": ([PUBLIC, LINK_LOCAL], [], False),
    "to a shared address": ([PUBLIC, SHARED], [], False),
    "by way of another": ([PUBLIC, ANOTHER, PRIVATE], [], False),
    "to what is named": ([PUBLIC, PRIVATE], [PRIVATE], True),
    "from inside": ([PRIVATE, LOOPBACK], [], True),
    "from this host": ([LOOPBACK, PRIVATE], [], True),
    "from inside by way of another": ([PRIVATE, ANOTHER, LOOPBACK], [], False),
}
"""Hosts, first the registry, each of which leads to the next; those that the settings name; whether all are asked."""
KINDS = ("pull", "push", "pull by a proxy")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network of its own")
def test_only_who_is_inside_leads_inside(tmp_path: Path) -> None:
    certificate(tmp_path, "localhost", ALL, LOOPBACK, *ADDRESSES)
    up = " && ".join(["ip link set lo up", *(f"ip addr add {address}/32 dev lo" for address in ADDRESSES)])
    argv = ["unshare", "--net", "sh", "-c", f'{up} && exec "$@"', "sh", sys.executable, "-m", __name__, str(tmp_path)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(argv, env=environment, cwd=PACKAGE.parent, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    for name, (hosts, _, expected) in LED.items():
        for kind in KINDS:
            # A proxy's registry is never known to be inside.
            goes_on = expected and not (kind == "pull by a proxy" and name.startswith("from "))
            refusal, asked = found[f"{kind} {name}"]
            assert asked == (len(hosts) if goes_on else len(hosts) - 1), (kind, name, refusal)
            if goes_on:
                assert refusal is None, (kind, name)
            else:
                assert f"leads to {hosts[-1].strip('[]')}, which is inside (" in refusal, (kind, name)
                assert refusal.endswith("; add it to the setting remote_auth if it belongs to the registry")


def main(directory: Path) -> None:
    """In that network: say what became of each way."""
    found = {}
    with (
        serving(Server(directory, ALL)) as server,
        serving(http.server.ThreadingHTTPServer((LOOPBACK, 0), Proxy)) as proxy,
    ):
        for kind in KINDS:
            os.environ.pop("https_proxy", None)
            if "proxy" in kind:
                os.environ["https_proxy"] = f"http://127.0.0.1:{proxy.server_address[1]}"
            for name, (hosts, named, _) in LED.items():
                found[f"{kind} {name}"] = led(directory, server, kind, hosts, named)
    sys.stdout.write(json.dumps(found))


def led(directory: Path, server: Server, kind: str, hosts: list[str], named: list[str]) -> tuple[str | None, int]:
    """The refusal, if there is one, and how many of ``hosts`` were asked."""
    port = server.server_address[1]
    ways = dict(zip(hosts, [*hosts[1:], ""], strict=True))
    asked = set()

    def says(handler: Handler) -> Answer:
        host = handler.headers["Host"].partition(":")[0]
        asked.add(host)
        if handler.command == "HEAD":
            return Answer(404)
        if not ways[host]:
            return Answer(200 if handler.command == "GET" else 201, body=DATA)
        way = {"Location": f"https://{ways[host]}:{port}{handler.path}"}
        return Answer(307 if handler.command == "GET" else 202, way)

    server.says = says
    (directory / "blob").write_bytes(DATA)
    authority = str(directory / "server.crt")
    servers = tuple(f"{host}:{port}" for host in named)
    registry = Registry(f"{hosts[0]}:{port}", "a", Credentials(), ca=authority, auth_servers=servers)
    try:
        with contextlib.closing(registry):
            if kind == "push":
                registry.push(ARTIFACT, directory / "blob")
            else:
                with tempfile.TemporaryFile() as file:
                    registry.pull(ARTIFACT, file)
    except RefusedError as error:
        return str(error), len(asked)
    return None, len(asked)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
