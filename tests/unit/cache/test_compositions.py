"""A composed file is in the store like any other: found, copied, collected, checked, and believed no more than one."""

from __future__ import annotations

import gzip
import io
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from debate import keys
from debate.artifact import Artifact
from debate.cache import collect, report, sources
from debate.cache.check import check
from debate.cache.store import Store
from debate.composition import Composition, Extent
from debate.errors import DebateError
from tests.bounded import bounded
from tests.composed import SIZE, composed, made, part


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(collect, "RECENT", 0.0)
    return Store(tmp_path / "cache", said.append)


def content(store: Store, artifact: Artifact, tmp_path: Path) -> bytes:
    path = tmp_path / "copy"
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        store.copy(artifact, file)
    return path.read_bytes()


def there(store: Store) -> set[str]:
    return {digest for digest, _ in store.objects()}


def needed_by(store: Store, artifact: Artifact, tmp_path: Path) -> None:
    """A build whose record names the artifact."""
    directory = tmp_path / "build/one"
    directory.mkdir(parents=True)
    outputs = f'{{"outputs": {{"iso": {{"digest": "{artifact.digest}", "size": {artifact.size}}}}}}}'
    (directory / "iso.json").write_text(outputs)
    store.announce(tmp_path / "build")


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "a")])
def test_it_is_found_and_copied(store: Store, tmp_path: Path, names: tuple[str, ...]) -> None:
    composition, whole = composed(store, *names)
    assert store.has(composition.whole)
    assert content(store, composition.whole, tmp_path) == whole
    store.copy_out(composition.whole, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == whole
    assert not any(digest == composition.whole.digest for digest in there(store)), "no byte is kept twice"
    assert store.lookup(keys.key("k")) is None
    store.record(keys.key("k"), "iso", {"iso": composition.whole}, 1)
    assert store.lookup(keys.key("k"), ("iso",)) is not None


def test_parts_that_border_on_each_other(store: Store, tmp_path: Path) -> None:
    composition, whole = made(store, "a", "b", between=(b"", b"", b""))
    store.compose(composition)
    assert content(store, composition.whole, tmp_path) == whole == part("a") + part("b")


def test_what_was_written_anyway_is_the_first_copy(store: Store, tmp_path: Path) -> None:
    composition, whole = made(store, "a")
    (tmp_path / "written").write_bytes(whole)
    inode = (tmp_path / "written").stat().st_ino
    store.compose(composition, tmp_path / "written")
    for number in range(2):
        Store(store.root).copy_out(composition.whole, tmp_path / f"out{number}")  # Each task has a store of its own.
        found = (tmp_path / f"out{number}").stat()
        assert (found.st_ino == inode) == (number == 0)
        assert (found.st_mode & 0o777, found.st_nlink) == (0o644, 1)
        assert (tmp_path / f"out{number}").read_bytes() == whole
    assert os.listdir(store.root / "tmp") == []


def test_a_whole_of_an_earlier_version_goes(store: Store, tmp_path: Path) -> None:
    composition, whole = made(store, "a")
    assert store.put(whole) == composition.whole
    store.compose(composition)
    assert composition.whole.digest not in there(store)
    assert content(store, composition.whole, tmp_path) == whole


@pytest.mark.parametrize("part_number", [0, 1])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"x" * path.stat().st_size)])
def test_it_is_gone_with_any_of_its_parts(store: Store, spoil: Callable[[Path], object], part_number: int) -> None:
    composition, _ = composed(store, "a")
    spoil(store.path(composition.parts[part_number]))
    assert not store.has(composition.whole)
    composed(store, "a")
    assert store.has(composition.whole), "it heals"


def test_another_size_is_a_miss(store: Store) -> None:
    composition, _ = composed(store, "a")
    assert not store.has(Artifact(composition.whole.digest, composition.whole.size - 1))
    assert store.has(composition.whole)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, 50),
    "empty": lambda path: os.truncate(path, 0),
    "a link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: os.truncate(path, 1 << 40),
    "open to all": lambda path: path.chmod(0o666),
    "another's": lambda path: path.rename(path.with_name(f"{'a' * 64}.json")),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_composition_is_a_miss_that_heals(store: Store, said: list[str], tmp_path: Path, damage: str) -> None:
    composition, whole = composed(store, "a")
    (path,) = (store.root / "compositions").iterdir()
    DAMAGE[damage](path)
    with bounded():
        assert not store.has(composition.whole)
        assert len(list(store.compositions())) == 1
    assert len(said) == 1, said
    if damage != "another's":
        checked = check(store, lambda *_: None)
        assert checked.dropped == (composition.whole.digest,) or checked.foreign == (path,)
    composed(store, "a")
    assert content(store, composition.whole, tmp_path) == whole


BAD_TEMPLATES: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda between: gzip.compress(between + b"!"),
    "shorter": lambda between: gzip.compress(between[:-1]),
    "a bomb": lambda _: gzip.compress(bytes(100 << 20))[:1000],
    "other bytes": lambda between: gzip.compress(between.upper()),
    "no gzip": lambda between: between,
    "empty": lambda _: b"",
    "raw deflate": zlib.compress,
    "cut": lambda between: gzip.compress(between)[:-9],
    "a wrong checksum": lambda between: gzip.compress(between)[:-8] + b"12345678",
    "something behind it": lambda between: gzip.compress(between) + b"more",
    "a second member": lambda between: gzip.compress(between) + gzip.compress(b"more"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD_TEMPLATES)
def test_a_template_that_does_not_fit_makes_no_file(store: Store, tmp_path: Path, bad: str) -> None:
    composition, _ = made(store, "a", between=(b"first", b"second"))
    template = store.put(BAD_TEMPLATES[bad](b"firstsecond"))
    wrong = Composition(composition.whole, template, composition.extents)
    with bounded():
        assert not store.is_composed(wrong)
    store.compose(wrong)
    if bad != "other bytes":
        with pytest.raises(DebateError, match=r"json: has a .*template.*; run doit fsck$"):
            content(store, wrong.whole, tmp_path)
    assert check(store, lambda *_: None).dropped == (wrong.whole.digest,)
    assert not store.has(wrong.whole)


def test_what_follows_a_template_is_not_read(store: Store) -> None:
    size = 100 << 20
    template = store.put(gzip.compress(b"") + bytes(size))
    extent = Extent(0, store.put(part("a")))
    with bounded():
        wrong = Composition(Artifact(keys.sha256(b"x"), SIZE + size), template, (extent,))
        assert not store.is_composed(wrong)


def test_what_is_needed_keeps_its_parts(store: Store, tmp_path: Path) -> None:
    composition, whole = composed(store, "a", "b")
    other, _ = composed(store, "b", "c")
    needed_by(store, composition.whole, tmp_path)
    time.sleep(0.02)
    collected = collect.collect(store, size=0)
    assert there(store) == {artifact.digest for artifact in composition.parts}
    assert collected.needed == sum(artifact.size for artifact in composition.parts)
    assert [digest for digest, _ in store.compositions()] == [composition.whole.digest]
    assert content(store, composition.whole, tmp_path) == whole
    assert not store.has(other.whole)


def test_an_action_goes_with_its_composition(store: Store) -> None:
    composition, _ = composed(store, "a")
    store.record(keys.key("k"), "iso", {"iso": composition.whole}, 1)
    time.sleep(0.02)
    collect.collect(store, size=0)
    assert list(store.compositions()) == list(store.actions()) == []


def test_all_from_one_source_goes_with_its_template(store: Store) -> None:
    composition, _ = composed(store, "a", "b")
    store.record(keys.key("iso"), "iso", {"iso": composition.whole}, 1, "oci://elsewhere/isos")
    store.record(keys.key("layer"), "rootfs", {"layer": composition.extents[0].artifact}, 1)
    dropped = sources.drop(store, "oci://elsewhere/isos")
    assert there(store) == {composition.extents[0].artifact.digest}
    assert list(store.compositions()) == []
    assert dropped.bytes == composition.template.size + SIZE


def test_fsck_reads_what_it_makes(store: Store) -> None:
    composition, _ = composed(store, "a")
    store.record(keys.key("k"), "iso", {"iso": composition.whole}, 1)
    checked = check(store, lambda *_: None)
    assert (checked.dropped, checked.forgotten, checked.foreign) == ((), 0, ())
    changed = composition.to_json().replace(b'"offset":7', b'"offset":5')
    path = store.root / "compositions" / f"{keys.digits(composition.whole.digest)}.json"
    path.chmod(0o644)
    path.write_bytes(changed)
    checked = check(store, lambda *_: None)
    assert (checked.dropped, checked.forgotten) == ((composition.whole.digest,), 1)


def test_fsck_beside_a_build_removes_nothing_good(store: Store) -> None:
    """What was made after it began to look is whole, too."""
    first, _ = composed(store, "a")
    store.record(keys.key("first"), "iso", {"iso": first.whole}, 1)
    made_meanwhile: list[Composition] = []

    def progress(_: int, __: int) -> None:
        if not made_meanwhile:
            made_meanwhile.append(composed(store, "b", "c")[0])
            store.record(keys.key("k"), "iso", {"iso": made_meanwhile[0].whole}, 1)

    checked = check(store, progress)
    assert (checked.dropped, checked.forgotten) == ((), 0)
    assert store.has(made_meanwhile[0].whole)


def test_a_part_that_was_collected_is_no_damage(store: Store) -> None:
    composition, _ = composed(store, "a")
    store.path(composition.template).unlink()
    assert check(store, lambda *_: None).dropped == ()
    assert list(store.compositions()) == []


def test_what_was_made_again_meanwhile_is_kept(store: Store) -> None:
    """A builder made the part anew, after the collector had removed it and before that forgets what needs it."""
    composition, _ = composed(store, "a")
    store.record(keys.key("k"), "iso", {"iso": composition.whole}, 1)
    collect._forget(store, {composition.template.digest})
    assert store.lookup(keys.key("k"), ("iso",)) is not None
    dead, _ = made(store, "b", between=(b"other",))
    store.compose(dead)
    store.path(dead.template).unlink()
    collect._forget(store, {keys.sha256(b"another")})
    assert [digest for digest, _ in store.compositions()] == [composition.whole.digest]


def test_a_directory_in_the_place_of_the_whole_goes(store: Store) -> None:
    composition, _ = made(store, "a")
    store.path(composition.whole).mkdir(parents=True)
    store.compose(composition)
    assert store.has(composition.whole)


def test_the_report_counts_parts(store: Store, tmp_path: Path) -> None:
    composition, whole = composed(store, "a", "b")
    needed_by(store, composition.whole, tmp_path)
    (tmp_path / "build/one/traces").mkdir()
    (tmp_path / "build/one/traces/iso.json").write_text("{}")
    text, (facts, use) = report.report(store, "", ".sandbox")
    assert use["size"] == sum(artifact.size for artifact in composition.parts)
    assert facts["unneeded"] == 0
    assert facts["composed"] == {"files": 1, "size": len(whole), "templates": composition.template.size}
    assert "1 composed file of 140 kB takes" in text


def test_a_copy_of_an_ordinary_object(store: Store, tmp_path: Path) -> None:
    artifact = store.put(b"data")
    assert content(store, artifact, tmp_path) == b"data"
    with pytest.raises(FileNotFoundError):
        store.copy(Artifact(keys.sha256(b"missing"), 7), io.BytesIO())
