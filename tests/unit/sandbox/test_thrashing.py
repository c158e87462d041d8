"""A group at its limit that lives on its last file pages is noticed; one that works is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate.sandbox import limits
from debate.sandbox.thrashing import Thrashing

LIMIT = 256 << 20


def write_1(group: Path, failed: int, files: int) -> None:
    (group / "memory.failcnt").write_text(f"{failed}\n")
    (group / "memory.limit_in_bytes").write_text(f"{LIMIT}\n")
    (group / "memory.stat").write_text(f"active_file 9\ntotal_active_file 0\ntotal_inactive_file {files}\n")


def write_2(group: Path, failed: int, files: int) -> None:
    (group / "memory.events").write_text(f"low 0\nhigh 0\nmax {failed}\noom 0\noom_kill 0\n")
    (group / "memory.max").write_text(f"{LIMIT}\n")
    (group / "memory.stat").write_text(f"anon {LIMIT}\nactive_file 0\ninactive_file {files}\n")


@pytest.mark.parametrize("write", [write_1, write_2])
@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(100_000, 500_000)] * 5, True),
        ([(100_000, 500_000)] * 4, False),
        ([(100_000, 500_000)] * 4 + [(0, 500_000)] + [(100_000, 500_000)] * 4, False),
        ([(100_000, LIMIT // 10)] * 9, False),  # It reads many files: the kernel reclaims those it has read.
        ([(3, 500_000)] * 9, False),
    ],
)
def test_thrashing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object, looks: list[tuple[int, int]], expected: bool
) -> None:
    assert callable(write)
    monkeypatch.setattr(limits, "counters_of", lambda _: {"memory": tmp_path / "memory.events"})
    thrashing, failed, found = Thrashing(os.getpid()), 0, []
    for more, files in looks:
        failed += more
        write(tmp_path, failed, files)
        found.append(thrashing.found())
    assert any(found) == expected


def test_a_group_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "counters_of", lambda _: {"memory": tmp_path / "gone" / "memory.events"})
    assert not Thrashing(os.getpid()).found()


def test_a_process_that_has_ended() -> None:
    assert limits.counters_of(2**22 + 1) == {}
    assert not Thrashing(2**22 + 1).found()


def test_a_real_group() -> None:
    if "memory" not in (counters := limits.counters_of()):
        pytest.skip("this process is in no group with a limit of memory")
    assert counters["memory"].exists()
    assert not Thrashing(os.getpid()).found()
