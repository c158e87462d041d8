"""Paths as they are shown to people."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.text.paths import relative, shown


def test_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a/b") == "a/b"
    assert shown(Path("a")) == "a"
    assert shown(tmp_path.parent) == str(tmp_path.parent)
    assert relative("no path at all") == "no path at all"


@pytest.mark.parametrize("name", ["loop", "loop/below", "x" * 5000, "nul\0"])
def test_what_cannot_be_a_file_is_shown_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert shown(tmp_path / name).endswith(name)
