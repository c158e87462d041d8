"""What `pull` fetches into a directory: all files of an image, or none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from debate.artifact import Artifact
from debate.cache.store import Store
from debate.commands.logic.download import Download
from debate.model import Activity
from debate.remote.errors import RegistryError
from debate.remote.remote import Remote
from debate.remote.statements import ACTION, Statement, read
from tests.bounded import bounded
from tests.composed import composed, part
from tests.unit import outside
from tests.unit.remote.shelf import Shelf
from tests.unit.remote.test_composed import HOSTILE, KEY, replace_composition, sent, side

SHOWN = "a.json"
"""A companion, which is before the ISO in the order of names."""


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf.add(monkeypatch)


def run(remote: Remote, shelf: Shelf, directory: Path, whole: Artifact) -> int:
    (tag,) = shelf.manifests
    statement = read(shelf.manifests[tag], ACTION, KEY, "", 1 << 30)
    assert statement.files == {"iso": whole}
    made = Statement(ACTION, KEY, {SHOWN: COMPANION, "x.iso": whole}, {}, composed=statement.composed)
    shelf.blobs[COMPANION.digest] = b"{}"
    return Download(remote, directory, Activity("")).run(dict(made.files), made)


def prepared(tmp_path: Path) -> tuple[Store, Remote]:
    directory = tmp_path / "build"
    directory.mkdir()
    (directory / SHOWN).write_bytes(b"old")
    (directory / "x.iso").write_bytes(b"old iso")
    store, remote, _ = side(tmp_path / "two")
    return store, remote


COMPANION = Artifact("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 2)
"""Of {}."""


def test_only_what_is_missing_is_fetched(tmp_path: Path, shelf: Shelf) -> None:
    composition, whole = sent(tmp_path, "a", "b")
    two, fetcher = prepared(tmp_path)
    two.put(part("a"))
    fetched = run(fetcher, shelf, tmp_path / "build", composition.whole)
    assert fetched == len(part("b")) + composition.template.size + COMPANION.size
    assert (tmp_path / "build/x.iso").read_bytes() == whole
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == [SHOWN, "x.iso"]
    assert run(fetcher, shelf, tmp_path / "build", composition.whole) == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_not_make_the_file_changes_nothing(tmp_path: Path, shelf: Shelf, name: str) -> None:
    composition, whole = sent(tmp_path, "a", "b")
    replace_composition(shelf, HOSTILE[name](shelf, composition, whole))
    two, fetcher = prepared(tmp_path)
    composed(two, "c")
    with bounded(), pytest.raises(RegistryError):
        run(fetcher, shelf, tmp_path / "build", composition.whole)
    left = {path.name: path.read_bytes() for path in (tmp_path / "build").iterdir() if path.is_file()}
    assert left == {SHOWN: b"old", "x.iso": b"old iso"}


def test_a_link_in_the_place_of_its_parts_is_not_followed(tmp_path: Path, shelf: Shelf) -> None:
    composition, whole = sent(tmp_path, "a")
    _, fetcher = prepared(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "build/.parts").symlink_to(tmp_path / "elsewhere")
    run(fetcher, shelf, tmp_path / "build", composition.whole)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "build/x.iso").read_bytes() == whole


def test_parts_that_a_collector_takes_meanwhile_are_fetched(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    composition, whole = sent(tmp_path, "a", "b")
    two, fetcher = prepared(tmp_path)
    artifact = two.put(part("a"))
    write = Download._write

    def collected(self: Download, path: Path, file: Artifact, how: object) -> None:
        two.path(artifact).unlink(missing_ok=True)
        write(self, path, file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(Download, "_write", collected)
    run(fetcher, shelf, tmp_path / "build", composition.whole)
    assert (tmp_path / "build/x.iso").read_bytes() == whole


@pytest.mark.parametrize("put", outside.KINDS.values(), ids=outside.KINDS)
def test_what_is_in_the_place_of_a_file_is_neither_read_nor_followed(
    tmp_path: Path, shelf: Shelf, put: Callable[[Path, Path], None]
) -> None:
    composition, whole = sent(tmp_path, "a")
    _, fetcher = prepared(tmp_path)
    elsewhere = outside.aged(tmp_path / "elsewhere")
    before, path = outside.state(elsewhere), tmp_path / "build/x.iso"
    path.unlink()
    put(path, elsewhere)
    with bounded():
        run(fetcher, shelf, tmp_path / "build", composition.whole)
    assert not path.is_symlink()
    assert path.read_bytes() == whole
    assert outside.state(elsewhere) == before


@pytest.mark.usefixtures("shelf")
def test_an_endless_file_is_not_read(tmp_path: Path) -> None:
    """A device has the size 0, as an empty file has."""
    _, fetcher = prepared(tmp_path)
    path = tmp_path / "build/x.iso"
    path.unlink()
    path.symlink_to("/dev/zero")
    with bounded():
        assert not Download(fetcher, tmp_path / "build", Activity("x"))._is_there("x.iso", Artifact.of(b""))
