"""doit sees a change of content, whatever the times say, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import xxhash

from debate.frontend import checker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_bytes(b"one")
    return path


def modified(path: Path, state: object) -> bool:
    return checker.XXH3Checker().check_modified(str(path), os.stat(path), state)


def test_state(file: Path) -> None:
    state = checker.XXH3Checker().get_state(str(file), None)
    assert state is not None
    assert state[4] == xxhash.xxh3_128_hexdigest(b"one")
    assert not modified(file, state)
    assert checker.XXH3Checker().get_state(str(file), state) is None


def test_new_content_with_the_old_size_and_time(file: Path) -> None:
    """What doit's own checker misses: reproducible outputs carry the times of their epoch."""
    os.utime(file, (1, 1))
    state = checker.XXH3Checker().get_state(str(file), None)
    file.write_bytes(b"two")
    os.utime(file, (1, 1))
    assert modified(file, state)


def test_a_touched_file_did_not_change(file: Path) -> None:
    state = checker.XXH3Checker().get_state(str(file), None)
    os.utime(file, (5, 5))
    assert not modified(file, state)


def test_an_unchanged_file_is_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = checker.XXH3Checker().get_state(str(file), None)

    def read(path: str) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(checker, "xxh3", read)
    assert not modified(file, state)
