"""What tells doit that a profile has to be read again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from debate.profile import sources


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "f").touch()
    (tree / "link").symlink_to("f")
    (tmp_path / "sources.json").write_text(json.dumps(sources.state([tree, tmp_path / "x.yaml"], tmp_path)))
    return tree


def test_nothing_changed(tmp_path: Path, tree: Path) -> None:
    assert sources.unchanged(tmp_path, tmp_path)
    assert sources.files(tmp_path, tmp_path) == [str(tree / "d" / "f")]


@pytest.mark.parametrize("change", ["new", "gone", "mode", "link", "appeared"])
def test_a_change_of_names_kinds_modes_and_links(tmp_path: Path, tree: Path, change: str) -> None:
    if change == "new":
        (tree / "new").touch()
    elif change == "gone":
        (tree / "d" / "f").unlink()
    elif change == "mode":
        (tree / "d" / "f").chmod(0o755)
    elif change == "link":
        (tree / "link").unlink()
        (tree / "link").symlink_to("g")
    else:
        (tmp_path / "x.yaml").touch()
    assert not sources.unchanged(tmp_path, tmp_path)


def test_a_damaged_record_means_read_again(tmp_path: Path) -> None:
    assert not sources.unchanged(tmp_path, tmp_path)
    for text in ("", "[", "[]", "5", "{}", '{"paths": 5, "trees": ""}', '{"paths": [1], "trees": ""}', "[" * 100_000):
        (tmp_path / "sources.json").write_text(text)
        assert not sources.unchanged(tmp_path, tmp_path)
        assert sources.files(tmp_path, tmp_path) == []
