"""A mirror that fails while it is asked: one clear line, nothing half written, and the next run works."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.archive import Archive
from tests.integration.checkout import Checkout
from tests.serving import serving


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a directory, with ``server.fault`` for the paths that ``server.pattern`` matches."""

    server: Mirror

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, or fail in the wanted way."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        fault = self.server.fault if re.search(self.server.pattern, self.path) else ""
        self.server.asked += bool(fault)
        if fault in ("404", "500"):
            self.send_error(int(fault))
            return
        if fault == "file":
            self.send_response(302)
            self.send_header("Location", f"file://{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = path.read_bytes()
        if fault == "wrong":
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40 if fault == "floods" else len(data)))
        self.end_headers()
        if fault in ENDLESS:
            with contextlib.suppress(OSError):
                while not self.server.over.is_set():
                    self.wfile.write(bytes(1 if fault == "drips" else 1 << 16))
                    time.sleep(0.2 if fault == "drips" else 0)
            self.close_connection = True
            return
        if fault == "cut":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        step = 100 if fault == "slow" else len(data)
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            if fault == "slow":
                time.sleep(0.1)


class Mirror(http.server.ThreadingHTTPServer):
    """A mirror on this host's loopback."""

    daemon_threads = True

    def __init__(self, archive: Archive) -> None:
        self.fault, self.pattern, self.asked = "", "$^", 0
        self.over = threading.Event()

        class Here(Handler):
            def __init__(self, *words: Any) -> None:
                super().__init__(*words, directory=str(archive.directory))

        super().__init__(("127.0.0.1", 0), Here)
        self.archive = archive

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    archive = Archive.make(tmp_path_factory.mktemp("mirror") / "archive")
    for fault in (*FAULTS, *ENDLESS, "slow"):
        archive.add(f"probe-{fault}", "1.0", {f"/usr/share/{fault}": fault * 100})
    archive.publish()
    with serving(Mirror(archive)) as server:
        yield server
        server.over.set()


FAULTS = {
    "404": ("404|does not have a Release|no archive with a suite", "no longer has probe-404 1.0"),
    "500": ("500", "500"),
    "file": ("Redirection from http to 'file:[^ ]*' is forbidden",) * 2,
    "cut": ("differs from the archive's signed index", "closed|Connection|does not match the SHA-256"),
    "wrong": ("differs from the archive's signed index", "does not match the SHA-256 in the lock"),
}
"""Fault -> what is said of it when it hits the index, and when it hits a package."""


ENDLESS = {
    "drips": (r"(lock|packages): stopped after 8 s \(DEBATE_STOP_AFTER\)",) * 2,
    "floods": ("differs from the archive's signed index", "does not match the SHA-256 in the lock, so it is refused"),
}
"""The same for a mirror that goes on and on: a byte now and then, or more than anybody asked for."""


def with_probe(checkout: Checkout, mirror: Mirror, fault: str) -> None:
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(mirror.archive.key)
    repository = f"{{name: extra, url: '{mirror.url}', suites: [stable], components: [main], key: keys/extra.asc}}"
    checkout.profile("mine", f"extends: minimal\npackages: [probe-{fault}]\nrepositories: [{repository}]\n")


@pytest.mark.parametrize(
    "fault",
    [
        "404",
        "cut",
        "drips",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("500", "file", "wrong", "floods")),
    ],
)
def test_a_mirror_that_fails(checkout: Checkout, mirror: Mirror, fault: str) -> None:
    with_probe(checkout, mirror, fault)
    of_index, of_package = {**FAULTS, **ENDLESS}[fault]
    limits = {"STOP_AFTER": "8", "WARN_AFTER": "7"} if fault == "drips" else {}
    for step, pattern, message in (("lock", "/dists/.*/Packages", of_index), ("packages", "/pool/", of_package)):
        if step == "lock" and fault == "404":
            pattern = "/dists/.*Release"
        mirror.fault, mirror.pattern, mirror.asked = fault, pattern, 0
        said = checkout.doit(f"{step}:mine", status=1, MIRROR_EXTRA=mirror.url, **limits)
        assert mirror.asked
        assert re.search(message, said), said
        assert not checkout.output("mine", f"{step}.json").exists()
        mirror.fault = ""
        checkout.doit(f"{step}:mine", MIRROR_EXTRA=mirror.url)
    names = {package["name"] for package in checkout.json("mine", "lock.json")["packages"]}
    assert f"probe-{fault}" in names


def test_a_slow_mirror(checkout: Checkout, mirror: Mirror) -> None:
    with_probe(checkout, mirror, "slow")
    mirror.fault, mirror.pattern, mirror.asked = "slow", ".", 0
    checkout.doit("packages:mine", MIRROR_EXTRA=mirror.url)
    assert mirror.asked >= 3
    mirror.fault = ""
