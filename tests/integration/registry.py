"""A real OCI registry on this host's loopback, with TLS and a password; and a wire that can be slow or cut."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt

USER, PASSWORD = "builder", "a password: with a colon"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@dataclass
class Registry:
    """docker-registry with its files in ``directory``."""

    directory: Path
    storage: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, directory: Path, storage: Path | None = None) -> Registry:
        directory.mkdir(parents=True)
        made = cls(directory, storage or directory / "storage")
        made._make_certificates()
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        (directory / "htpasswd").write_text(f"{USER}:{hashed}\n")
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(made.storage)}},
            "auth": {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}},
            "http": {
                "addr": f"127.0.0.1:{made.port}",
                "secret": "none",
                "tls": {"certificate": str(directory / "server.crt"), "key": str(directory / "server.key")},
            },
        }
        (directory / "config.yml").write_text(json.dumps(config))  # JSON is YAML.
        made.start()
        return made

    def _make_certificates(self) -> None:
        def openssl(*words: str) -> None:
            subprocess.run(["openssl", *words], cwd=self.directory, check=True, capture_output=True)

        (self.directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test", "-days", "2")
        openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-extfile", "names", "-out", "server.crt", "-days", "2")  # fmt: skip

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(self.directory / "config.yml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def settings(self, repository: str = "team/isos", port: int = 0, **more: str) -> dict[str, str]:
        """For `Checkout.doit`."""
        return {
            "REMOTE": f"oci://localhost:{port or self.port}/{repository}",
            "REMOTE_CA": str(self.directory / "ca.crt"),
            "REMOTE_USER": USER,
            "REMOTE_PASSWORD": PASSWORD,
            **more,
        }

    def blob(self, digest: str) -> Path:
        """Where the registry keeps a blob."""
        digits = digest.removeprefix("sha256:")
        return self.storage / "docker/registry/v2/blobs/sha256" / digits[:2] / digits / "data"

    def forget_blob(self, digest: str) -> None:
        shutil.rmtree(self.blob(digest).parent)

    def asked(self, *words: str) -> int:
        """How many lines of its access log hold all of ``words``."""
        lines = (self.directory / "log").read_text().splitlines()
        return sum(all(word in line for word in words) for line in lines)

    def skopeo(self, *words: str) -> str:
        """What skopeo says; ``@`` before a word stands for the repository's address."""
        address = f"docker://localhost:{self.port}/team/isos"
        words = tuple(address + word[1:] if word.startswith("@") else word for word in words)
        return self._skopeo(words[0], "src-" if words[0] == "copy" else "", *words[1:])

    def skopeo_push(self, source: str, repository: str, tag: str) -> None:
        """Copy an image into a repository."""
        self._skopeo("copy", "dest-", source, f"docker://localhost:{self.port}/{repository}:{tag}")

    def _skopeo(self, command: str, side: str, *words: str) -> str:
        certificates = self.directory / "certificates"
        certificates.mkdir(exist_ok=True)
        shutil.copy(self.directory / "ca.crt", certificates / "ca.crt")
        flags = [f"--{side}creds", f"{USER}:{PASSWORD}", f"--{side}cert-dir", str(certificates)]
        done = subprocess.run(["skopeo", command, *flags, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Wire:
    """Passes bytes on to a port: at most ``rate`` a second; cuts the first ``cuts`` connections after ``cut``."""

    def __init__(self, port: int) -> None:
        self.target, self.rate, self.cut, self.cuts, self.connections = port, 0, 0, 3, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.connections += 1
            threading.Thread(target=self._join, args=(client, server, self.connections), daemon=True).start()

    def _join(self, client: socket.socket, server: socket.socket, number: int) -> None:
        with client, server:
            back = threading.Thread(target=self._pass, args=(server, client, number), daemon=True)
            back.start()
            self._pass(client, server, number)
            back.join()

    def _pass(self, here: socket.socket, there: socket.socket, number: int) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
                passed += len(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
                if self.cut and passed > self.cut and number <= self.cuts:
                    break
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
