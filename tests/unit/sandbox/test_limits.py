"""Limits: one group a sandbox, and a host without control groups is refused."""

from __future__ import annotations

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
