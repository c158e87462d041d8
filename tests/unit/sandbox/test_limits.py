"""Limits: one group a sandbox, and a host without control groups is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.sandbox import limits
from debate.settings import Limits


def test_a_host_without_control_groups_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_ROOT", tmp_path)
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd is PID 1 here and bounds what it starts")
    with pytest.raises(DebateError, match=r"no control groups.*; mount cgroup2"):
        limits.create("x", Limits())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", "memory"),
        ("low 0\nmax 3\noom_kill 0\n", ""),
        ("oom_kill_disable 0\noom_kill 0\n", ""),
    ],
)
def test_which_limit_was_exceeded(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "events").write_text(content)
    group = limits.Group((), counters={"memory": tmp_path / "events"})
    assert group.exceeded() == expected


def test_too_many_processes(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("max 1\n")
    assert limits.Group((), counters={"processes": tmp_path / "events"}).exceeded() == "processes"


@pytest.mark.parametrize(
    ("peak", "limit", "expected"),
    [("6\n", "6\n", "processes"), ("5\n", "6\n", ""), ("9\n", "max\n", ""), (None, "6\n", ""), ("6\n", None, "")],
)
def test_a_failed_fork_that_is_counted_below(
    tmp_path: Path, peak: str | None, limit: str | None, expected: str
) -> None:
    for name, text in {"pids.events": "max 0\n", "pids.peak": peak, "pids.max": limit}.items():
        if text is not None:
            (tmp_path / name).write_text(text)
    assert limits.Group((), counters={"processes": tmp_path / "pids.events"}).exceeded() == expected


@pytest.mark.parametrize(
    ("blocks", "files", "expected"),
    [
        (0, 99, "bytes"),
        (15, 99, "bytes"),
        (16, 99, ""),
        (0, 0, "bytes"),
        (99, 0, "inodes"),
        (99, 1, "inodes"),
        (99, 64, ""),
    ],
)
def test_a_full_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, files: int, expected: str
) -> None:
    """`blocks` of 4 KiB and `files` are left for users; what is reserved for root does not count."""
    found = os.statvfs_result((65536, 4096, 1000, 500, blocks, 1000, 500, files, 0, 255))
    monkeypatch.setattr(os, "statvfs", {tmp_path: found}.__getitem__)
    assert limits.space_exceeded(tmp_path) == expected
