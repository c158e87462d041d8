"""Why databases could not be fetched, by what the real pacman prints of a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from debate.errors import Complaint
from tests.unit.sandbox.test_explain import explain

OTHER = ", or set DEBATE_MIRROR_{} to another mirror"
AT = "check the address and the repository's name: the directory must have {}.db"
pytestmark = pytest.mark.skipif(not shutil.which("pacman"), reason="needs pacman")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever).start()
        yield f"127.0.0.1:{served.server_port}"
        served.shutdown()


def synchronised(directory: Path, address: str, name: str = "core") -> list[Complaint]:
    """What is reported of `pacman -Sy` with one repository: `own` is the profile's."""
    sections = f"[{name}]\nServer = {address}\n"
    (directory / "db").mkdir()
    (directory / "conf").write_text(f"[options]\nDBPath = {directory}/db\nSigLevel = Never\n{sections}")
    variables = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        ["pacman", "--config", directory / "conf", "--color", "never", "-Sy"],
        env={**variables, "LC_ALL": "C"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    (directory / "system").write_text("arch")
    return list(
        explain(directory, "arch", done.stderr, "explain_sync", "repositories", "x86_64", repositories=sections)
    )


@pytest.mark.parametrize(("name", "variable"), [("core", "ARCH"), ("own", "OWN")])
@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "the mirror wants a user and a password: put them into DEBATE_MIRROR_{}, as in https://USER:PASSWORD@HOST/"),
        (403, f"check the network and the mirror's address{OTHER}"),
        (404, f"{AT}{OTHER}"),
        (407, "a proxy wants a user and a password: put them into the address of this host's proxy"),
        (429, f"try again later{OTHER}"),
        (500, f"try again later{OTHER}"),
        (503, f"try again later{OTHER}"),
    ],
)  # fmt: skip
def test_a_status(tmp_path: Path, server: str, status: int, remedy: str, name: str, variable: str) -> None:
    address, fact = f"http://{server}/{status}", f"The requested URL returned error: {status}"
    remedy = remedy.replace("{}.db", f"{name}.db").format(variable)
    assert synchronised(tmp_path, address, name) == [Complaint("", f"{address}/{name}.db", fact, remedy)]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file:///nowhere", AT.format("core")),
        ("https://{}/200", "the mirror's certificate must be valid, by an authority that this host trusts"),
        ("http://nowhere.invalid", "check the spelling of its host, and how this host looks up names"),
        ("http://127.0.0.1:1", "check the network and the mirror's address"),
    ],
)
def test_no_answer(tmp_path: Path, server: str, address: str, words: str) -> None:
    [core, *_] = synchronised(tmp_path, address.format(server))
    assert core.remedy == words + OTHER.format("ARCH")
    assert core.value == f"{address.format(server)}/core.db"


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>", b"\x1f\x8b\x08\x00cut off"])
def test_what_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "core.db").write_bytes(content)
    repositories = "[core]\nServer = http://m.example/$repo\n"
    found = explain(
        tmp_path, "arch", "", "require_database core.db core repositories x86_64 #", repositories=repositories
    )
    remedy = "check the address: a page to log in, or another web page, may answer for it"
    assert found == [Complaint("", "http://m.example/core/core.db", "it is no database of pacman", remedy)]
    empty = tmp_path / "empty"
    empty.mkdir()
    subprocess.run(["tar", "-czf", tmp_path / "core.db", "-C", empty, "."], check=True)
    assert explain(tmp_path, "arch", "", "require_database core.db core repositories x86_64 #",
                   repositories=repositories) == []  # fmt: skip
