"""A visit to the profiles directory, in which each file is read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from debate.errors import Place
from debate.profile import files
from debate.profile import visit as visit_
from debate.profile.tree import Room
from debate.profile.visit import CHANGED, Visit, scanned, visit


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    (tmp_path / "x.yaml").write_text("version: 1\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")
    return tmp_path


LOOKS = ("content x.yaml", "kind x.yaml", "kind tree", "tree tree", "exists x.yaml", "exists y.yaml")


def look_with(profiles: Path, reader: Visit) -> None:
    assert files.opened(profiles) is reader
    assert files.read(profiles, "x.yaml", 100) == b"version: 1\n"
    with files.opened(profiles) as tree:
        tree.mode("x.yaml")
        tree.mode("tree")
    scanned(profiles, "tree", "/opt", Place("x"), Room())
    assert files.exists(profiles, "x.yaml")
    assert not files.exists(profiles, "y.yaml")


def test_what_is_read_is_seen(profiles: Path) -> None:
    with visit(profiles) as first:
        look_with(profiles, first)
    assert sorted(first.seen) == sorted(LOOKS)
    assert CHANGED not in first.seen.values()
    with visit(profiles) as second:
        assert {look: second.look(look) for look in LOOKS} == first.seen
    assert not isinstance(files.opened(profiles), Visit)


def test_by_whatever_name_the_directory_has(profiles: Path) -> None:
    link = profiles.parent / "link"
    link.symlink_to(profiles)
    with visit(link) as reader:
        assert files.opened(profiles) is files.opened(link) is reader
        assert files.opened(profiles / "tree") is not reader


def test_a_file_is_read_once(profiles: Path) -> None:
    with visit(profiles) as reader:
        assert files.read(profiles, "x.yaml", 100) == b"version: 1\n"
        (profiles / "x.yaml").write_text("version: 2\n")
        assert files.read(profiles, "x.yaml", 100) == b"version: 1\n"
        with pytest.raises(OSError, match="larger than 5 bytes"):
            files.read(profiles, "x.yaml", 5)
        assert reader.seen["content x.yaml"] == reader.look("content x.yaml")


def test_what_is_made_once_takes_the_same_looks_each_time(profiles: Path) -> None:
    made = []

    def make() -> bytes:
        made.append(files.exists(profiles, "y.yaml"))
        return files.read(profiles, "x.yaml", 100)

    with visit(profiles) as reader:
        for _ in range(2):
            reader.seen.clear()
            assert files.exists(profiles, "tree")
            assert files.once(profiles, "x", make) == b"version: 1\n"
            assert sorted(reader.seen) == ["content x.yaml", "exists tree", "exists y.yaml"]
        assert made == [False]
        for _ in range(2):
            reader.seen.clear()
            with pytest.raises(FileNotFoundError):
                files.once(profiles, "no", lambda: files.read(profiles, "no", 1))
            assert reader.seen == {"content no": CHANGED}
    assert files.once(profiles, "x", make) == b"version: 1\n"
    assert made == [False, False]


def test_what_changes_meanwhile_is_told(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_, "_MOST_KEPT", 0)
    with visit(profiles) as reader:
        look_with(profiles, reader)
        (profiles / "x.yaml").write_text("version: 2\n")
        assert files.read(profiles, "x.yaml", 100) == b"version: 2\n"
        assert reader.seen["content x.yaml"] == reader.look("content x.yaml") == CHANGED


@pytest.mark.parametrize(
    "look",
    ["", "content", "content ../x", "content no", "kind no", "tree no", "tree x.yaml", "x y", "content \0", "kind /"],
)
def test_what_cannot_be_looked_at(profiles: Path, look: str) -> None:
    with visit(profiles) as reader:
        assert reader.look(look) == CHANGED


@pytest.mark.parametrize(("look", "read"), [("content", lambda x: x.read("no")), ("kind", lambda x: x.mode("no"))])
def test_what_could_not_be_read_stays_unknown(profiles: Path, look: str, read: Callable[[Visit], object]) -> None:
    """Also if whoever reads it passes over that, or it comes later."""
    with visit(profiles) as reader:
        with pytest.raises(FileNotFoundError):
            read(reader)
        assert reader.seen == {f"{look} no": CHANGED}
        (profiles / "no").touch()
        read(reader)
        assert reader.seen == {f"{look} no": CHANGED}


def test_an_overlay_that_no_image_can_have_is_never_as_it_was(profiles: Path) -> None:
    (profiles / "tree" / "file").chmod(0o4755)
    with visit(profiles) as reader:
        assert reader.look("tree tree") == CHANGED
