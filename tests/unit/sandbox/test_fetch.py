"""A real apt downloads packages: what the mirror no longer has, it takes of an older state of the archive."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from debate.errors import Complaint
from debate.host.http_files import offered
from debate.sandbox import problems
from tests.conftest import ROOT, write_files

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Archives:
    """Directories with packages, and what fetch.sh makes of them."""

    root: Path
    mirror: str = ""
    """Its address, if that is not the directory `mirror`."""

    def put(self, archive: str, **packages: str) -> None:
        write_files(self.root / archive, {f"pool/{name}.deb": text for name, text in packages.items()})

    def fetch(self, *dated: str, **wanted: str) -> list[Complaint]:
        """What is wrong; ``wanted``: name -> content, each of which the mirror should have."""
        for part in ("in", "work", "out", "step/debian", "mirror"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        for script in [*(ROOT / "sandbox").glob("*.sh"), *(ROOT / "sandbox/debian").glob("*.sh")]:
            text = script.read_text().replace(problems.PATH, str(self.root / "problems"))
            for part in ("in", "work", "out", "step"):
                text = text.replace(f"/run/{part}", str(self.root / part))
            (self.root / "step" / script.relative_to(ROOT / "sandbox")).write_text(text)
        address = f"copy:{self.root}"
        mirror = self.mirror or f"{address}/mirror"
        write_files(self.root / "in", {
            "wanted": "".join(f"{mirror}/pool/{n}.deb {sha256(t)} {n} 1 {len(t)}\n" for n, t in wanted.items()),
            "dated": "".join(f"{sha256(t)} {address}/{one}/pool/{n}.deb\n" for one in dated for n, t in wanted.items()),
            "apt.conf": "", "remedy": "do something", "written": f"debian {mirror} http://m.example\n",
        })  # fmt: skip
        (self.root / "problems").write_text("")
        done = subprocess.run(
            ["sh", str(self.root / "step/debian/fetch.sh")], cwd=self.root, capture_output=True, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(self.root / "work"), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        found, _ = problems.read(self.root / "problems")
        assert bool(found) == bool(done.returncode), done.stderr
        for name, text in wanted.items():
            file = self.root / "out" / sha256(text)
            assert not file.exists() or file.read_text() == text, name
        return list(found)

    @property
    def taken(self) -> str:
        return (self.root / "out/taken").read_text()

    def has(self, text: str) -> bool:
        return (self.root / "out" / sha256(text)).exists()


GONE = "the mirror no longer has {} 1"


def test_all_is_there(tmp_path: Path) -> None:
    """Then no other archive is asked."""
    made = Archives(tmp_path)
    made.put("mirror", a="A", b="B")
    assert made.fetch("nowhere", a="A", b="B") == []
    assert made.has("A")
    assert made.has("B")
    assert made.taken == ""


def test_what_is_gone_is_taken_of_the_first_that_has_it(tmp_path: Path) -> None:
    made = Archives(tmp_path)
    made.put("mirror", a="A")
    made.put("first", b="B")
    made.put("second", b="evil", c="C")
    assert made.fetch("first", "second", a="A", b="B", c="C") == []
    assert all(map(made.has, "ABC"))
    assert made.taken == "b 1\nc 1\n"


def test_what_nobody_has(tmp_path: Path) -> None:
    made = Archives(tmp_path)
    made.put("mirror", a="A")
    made.put("first", b="B")
    address = "http://m.example/pool/c.deb"
    assert made.fetch("first", a="A", b="B", c="C") == [Complaint("", address, GONE.format("c"), "do something")]
    made = Archives(tmp_path / "none")
    assert [one.fact for one in made.fetch(c="C")] == [GONE.format("c")]


def test_an_older_state_with_other_bytes(tmp_path: Path) -> None:
    """Signatures do not reach so far: the digest in the lock decides."""
    made = Archives(tmp_path)
    made.put("first", a="evil")
    assert [one.fact for one in made.fetch("first", a="A")] == [GONE.format("a")]
    assert not made.has("A")
    assert made.taken == ""


def test_a_mirror_that_sends_something_else_is_told(tmp_path: Path) -> None:
    """It is no reason to ask another archive: the mirror may be attacked."""
    made = Archives(tmp_path)
    made.put("mirror", a="evil")
    made.put("first", a="A")
    [complaint] = made.fetch("first", a="A")
    assert complaint.fact == "does not match the SHA-256 in the lock, so it is refused"


def test_what_apt_leaves_of_something_else_is_no_package(tmp_path: Path) -> None:
    """By HTTP, it leaves the file. What is gone beside it is fetched, and does not hide it."""
    made = Archives(tmp_path)
    made.put("mirror", a="evil")
    made.put("first", b="B")
    with offered(tmp_path / "mirror", ["pool/a.deb"], "127.0.0.1", 0) as server:
        made.mirror = f"http://127.0.0.1:{server.server_port}"
        for wanted in ({"a": "A"}, {"a": "A", "b": "B"}):
            [complaint] = made.fetch("first", **wanted)
            assert complaint.fact == "does not match the SHA-256 in the lock, so it is refused"
            assert not made.has("A")
    assert made.taken == "b 1\n"
