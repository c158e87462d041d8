"""What `doctor` says of a host that lacks something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate import managers
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.commands.logic import doctor
from debate.commands.logic.doctor import Finding
from debate.errors import DebateError, Place
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
    assert "so steps build on the disk; that works but is slower" in found.line


def test_a_host_without_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = doctor.report(builder(tmp_path))
    assert not answer.good
    assert [problem.place for problem in answer.problems] == [Place("root"), Place("nspawn"), Place("mmdebstrap")]
    said = answer.text
    assert said.startswith("This host cannot build yet; missing: root, nspawn, mmdebstrap\n")
    assert "  missing nspawn        systemd-nspawn is not installed; run ./setup" in said
    assert "  note    QEMU          not installed; check:NAME needs it" in said


def test_an_old_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemd-nspawn"
    program.write_text("#!/bin/sh\necho 'systemd 247 (247.3)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = doctor._nspawn(builder(tmp_path))
    assert (found.fact, found.remedy) == ("systemd 247", "252 or later is needed: upgrade this host to a newer release")


@pytest.mark.parametrize("base", ["debian", "arch"])
def test_only_the_mirror_of_the_tools_tree_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    for name in ("debian", "arch"):
        reach = _unknown if name != base else (lambda *_: ["http://mirror.example answers", DebateError("no", "do")])
        monkeypatch.setattr(type(managers.get(name)), "reach_mirrors", reach)
    assert doctor._mirrors(builder(tmp_path, base=base)) == [
        Finding("mirror", "http://mirror.example answers"), Finding("mirror", "no", "do"),
    ]  # fmt: skip


def _unknown(*_: object) -> str:
    raise DebateError("no mirror is known")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DebateError("a; b", "do c", place="x"), "  missing limits        x: a; b; do c"),
        (DebateError("a"), "  missing limits        a; see docs/sandbox.md"),
    ],
)
def test_an_error_is_a_finding(error: DebateError, line: str) -> None:
    assert doctor._refused("limits", error).line == line
