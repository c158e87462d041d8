"""What `doctor` says of a host that lacks something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate.build.builder import Builder
from debate.cache.store import Store
from debate.commands import doctor
from debate.commands.doctor import Finding
from debate.errors import DebateError
from debate.settings import Limits, Settings


def builder(root: Path, **settings: object) -> Builder:
    fields = {"root": root, "cache": root / "cache", "output": root / "build", **settings}
    return Builder(Settings(**fields), Store(root / "cache"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding("root", "yes"), "  ok      root          yes"),
        (Finding("disk", "1.0 GB free", "free some"), "  missing disk          1.0 GB free; free some"),
        (Finding("QEMU", "not installed", "get it", needed=False), "  note    QEMU          not installed; get it"),
    ],
)
def test_a_line(finding: Finding, line: str) -> None:
    assert finding.line == line


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NEEDED_DISK", 1 << 60)
    found = doctor._disk(builder(tmp_path))
    assert found.remedy.endswith("GB are needed: free some, or set DEBATE_CACHE to another disk")


def test_little_memory(tmp_path: Path) -> None:
    found = doctor._memory(builder(tmp_path, limits=Limits(memory=1 << 60)))
    assert not found.needed
    assert "so steps build on the disk; that works, and is slower" in found.line


def test_a_host_without_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DebateError) as caught:
        doctor.report(builder(tmp_path))
    said = str(caught.value)
    assert said.startswith("this host cannot build yet: root, nspawn, mmdebstrap\n")
    assert "  missing nspawn        systemd-nspawn is not installed; run ./setup, or install systemd-container" in said
    assert "  note    QEMU          not installed; check:NAME needs it" in said


def test_an_old_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemd-nspawn"
    program.write_text("#!/bin/sh\necho 'systemd 247 (247.3)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = doctor._nspawn(builder(tmp_path))
    assert (found.fact, found.remedy) == ("systemd 247", "252 or later is needed: upgrade this host to a newer release")


@pytest.mark.parametrize("base", ["arch", "debian"])
def test_the_mirror_of_what_the_sandbox_is_made_of(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that knows a mirror for it can build, whatever it knows of other distributions."""
    monkeypatch.setenv("PATH", str(tmp_path))
    index = {"arch": "core/os/x86_64/core.db", "debian": "dists/trixie/InRelease"}[base]
    (tmp_path / index).parent.mkdir(parents=True)
    (tmp_path / index).touch()
    other = "debian" if base == "arch" else "arch"
    found = doctor._mirror(builder(tmp_path, base=base, mirrors={base: f"file://{tmp_path}", other: "nonsense"}))
    assert (found.fact, found.remedy) == (f"file://{tmp_path} answers", "")
    lacking = doctor._mirror(builder(tmp_path, base=base, mirrors={base: "file:///nowhere"}))
    assert lacking.fact == f"file:///nowhere/{index}: missing"
    assert f"DEBATE_MIRROR_{base.upper()}" in lacking.remedy
