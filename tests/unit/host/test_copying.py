"""Copies of files, and what takes another's place."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.host import copying
from debate.images import results


def test_a_new_name(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("text")
    copying.replace(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target").read_text() == "text"


def test_the_old_one_is_gone(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "target").write_text("old")
    copying.replace(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target").read_text() == "new"


def test_a_file_system_that_exchanges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_RENAME_EXCHANGE", 1 << 30)  # EINVAL, as from such a file system.
    test_the_old_one_is_gone(tmp_path)


def test_the_target_is_there_at_every_moment(tmp_path: Path) -> None:
    """Builders of one profile look at the ISO of each other; so do a QEMU and a web server."""
    store, target = Store(tmp_path / "cache"), tmp_path / "target"
    data = os.urandom(100_000)
    source = store.put(data)
    results.copy(store, source, target)
    stop, missing = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            try:
                target.stat()
            except FileNotFoundError as error:
                missing.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for _ in range(2000):
            results.copy(store, source, target)
    finally:
        stop.set()
        reader.join()
    assert not missing
    assert target.read_bytes() == data
