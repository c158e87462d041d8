"""Repositories that are wrong in every way that apt can tell, on one server of this host's loopback."""

from __future__ import annotations

import http.server
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.archive import SUITE, USER, Archive, gpg

_AGED, _SHORT = "aged <aged@debate.invalid>", "short <short@debate.invalid>"
STATUS = (400, 401, 403, 407, 410, 429, 500, 503)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        if match := re.fullmatch(r"status-([0-9]{3})", name):
            self.send_error(int(match[1]))
        elif name == "web-page":
            self._send(200, b"<!DOCTYPE html><title>Log in</title>\n")
        elif name == "loop":
            self._send(302, b"", location=self.path)
        else:
            super().do_GET()

    def _send(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Broken:
    """All of them below one directory, each with the key that the profile is to have."""

    root: Path
    good: Archive
    keys: dict[str, bytes]
    text: str
    """The Release file of the good one."""

    @classmethod
    def make(cls, root: Path) -> Broken:
        good = Archive.make(root / "good")
        good.add("debate-probe", "1.0", {"/usr/share/debate-probe": "probe\n"})
        good.publish()
        for user, start in ((_AGED, "20240101T000000"), (_SHORT, "20250101T000000")):
            words = ("--passphrase", "", "--quick-generate-key", user, "rsa3072", "sign", "never")
            gpg(good.home, "--faked-system-time", start, *words)
        made = cls(root, good, {"good": good.key}, (good.directory / "dists" / SUITE / "Release").read_text())
        made._make_all()
        return made

    def _make_all(self) -> None:
        home, text = self.good.home, self.text
        aged, stranger = self.exported(_AGED), Archive.make(self.root / "stranger")
        later = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(time.time() + 3 * 86400))

        def signed(data: str, *options: str, user: str = USER) -> bytes:
            return gpg(home, "-u", user, *options, "--clearsign", data=data.encode())

        day = time.strftime("%Y%m%dT000000", time.gmtime(time.time() - 30 * 86400))
        year = time.strftime("%Y%m%dT000000", time.gmtime(time.time() + 300 * 86400))
        good = signed(text)
        inreleases: dict[str, tuple[bytes, bytes]] = {
            "wrong-key": (good, stranger.key),
            "sha-1": (signed(text, "--digest-algo", "SHA1"), self.good.key),
            "old-signature": (
                signed(text, "--faked-system-time", day, "--default-sig-expire", "1d", user=_AGED), aged,
            ),
            "new-signature": (signed(text, "--faked-system-time", year, user=_AGED), aged),
            "from-the-future": (signed(re.sub("Date: .*", f"Date: {later}", text)), self.good.key),
            "past-its-date": (
                signed(text.replace("SHA256:", "Valid-Until: Thu, 01 Jan 2026 01:00:00 UTC\nSHA256:")), self.good.key,
            ),
            "altered": (good.replace(b"Origin: tests", b"Origin: tesst"), self.good.key),
            "cut": (good[: len(good) // 2], self.good.key),
            "empty": (b"", self.good.key),
            "unsigned": (text.encode(), self.good.key),
            "weak": (signed(text.replace("SHA256", "MD5Sum")), self.good.key),
            "index-altered": (good, self.good.key),
            "index-longer": (good, self.good.key),
            "index-gone": (good, self.good.key),
            "no-suite": (good, self.good.key),
        }  # fmt: skip
        short = signed(text, user=_SHORT)
        fingerprint = re.findall(r"(?m)^fpr:+([0-9A-F]{40}):", gpg(home, "--with-colons", "-k", _SHORT).decode())[0]
        gpg(home, "--faked-system-time", "20260201T000000", "--passphrase", "", "--quick-set-expire", fingerprint, "1d")
        inreleases["old-key"] = (short, self.exported(_SHORT))
        for name, (data, key) in inreleases.items():
            directory = self.root / name / "dists" / SUITE
            shutil.copytree(self.good.directory / "dists" / SUITE, directory)
            (directory / "InRelease").write_bytes(data)
            (directory / "Release").unlink()
            self.keys[name] = key
        index = Path("dists") / SUITE / "main" / "binary-amd64" / "Packages"
        spoil: dict[str, Callable[[Path], Any]] = {
            "index-altered": lambda file: file.write_text(file.read_text().replace("1.0", "1.1")),
            "index-longer": lambda file: file.write_text(file.read_text() + "\n"),
            "index-gone": lambda file: file.unlink(),
            "no-suite": lambda file: shutil.rmtree(file.parents[3]),
        }
        for name, change in spoil.items():
            change(self.root / name / index)
        for name in (*(f"status-{status}" for status in STATUS), "web-page", "loop", "no-tls"):
            self.keys[name] = self.good.key

    def exported(self, user: str) -> bytes:
        return gpg(self.good.home, "--armor", "--export", user)

    def serve(self) -> http.server.ThreadingHTTPServer:
        """A server that runs until it is shut down."""
        root = str(self.root)

        class Here(_Handler):
            def __init__(self, *words: Any) -> None:
                super().__init__(*words, directory=root)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Here)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
