"""An ISO travels as its parts, and whoever sends parts that make another file, or none, is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.artifact import Artifact
from debate.cache.store import Store
from debate.composition import Composition, Extent
from debate.remote.remote import Remote
from debate.settings import Settings
from tests.bounded import bounded
from tests.composed import composed, made, part
from tests.unit.remote.shelf import Shelf

KEY = "a" * 64


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf.add(monkeypatch)


def side(directory: Path) -> tuple[Store, Remote, list[str]]:
    said: list[str] = []
    store = Store(directory / "cache")
    settings = Settings(
        directory, directory / "cache", directory / "build", remote="shelf://5", remote_mode="read-write"
    )
    return store, Remote(settings, store, said.append), said


def send(remote: Remote, whole: Artifact, key: str = KEY) -> None:
    remote.send("iso", key, {"iso": whole}, 1.0, {})
    remote.finish()


def sent(directory: Path, *names: str) -> tuple[Composition, bytes]:
    """A file of the parts ``names``, which one side has sent."""
    store, sender, _ = side(directory / "one")
    composition, whole = composed(store, *names)
    send(sender, composition.whole)
    return composition, whole


def test_only_parts_are_sent_and_fetched(tmp_path: Path, shelf: Shelf) -> None:
    composition, whole = sent(tmp_path, "a", "b")
    assert whole not in shelf.blobs.values()
    two, fetcher, said = side(tmp_path / "two")
    two.put(part("a"))
    found = fetcher.lookup("iso", KEY, ("iso",))
    assert (found and found.outputs, said) == ({"iso": composition.whole}, [])
    assert keys.sha256(part("a")) not in shelf.pulled, "it was there"
    two.copy_out(composition.whole, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == whole
    assert two.composition(composition.whole.digest) == composition


def test_another_file_of_the_same_parts_costs_its_template(tmp_path: Path, shelf: Shelf) -> None:
    one, sender, _ = side(tmp_path / "one")
    first, _ = composed(one, "a", "b")
    send(sender, first.whole)
    before = sum(map(len, shelf.blobs.values()))
    second, _ = made(one, "b", "a", between=(b"another",))
    one.compose(second)
    send(sender, second.whole, "b" * 64)
    assert sum(map(len, shelf.blobs.values())) - before < 2000


@pytest.mark.usefixtures("shelf")
def test_a_whole_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    one, sender, _ = side(tmp_path / "one")
    artifact = one.put(b"iso")
    send(sender, artifact)
    two, fetcher, _ = side(tmp_path / "two")
    assert fetcher.lookup("iso", KEY, ("iso",))
    assert two.read(artifact, 10) == b"iso"


def test_a_file_whose_parts_are_lost_is_not_sent(tmp_path: Path, shelf: Shelf) -> None:
    one, sender, said = side(tmp_path / "one")
    composition, _ = composed(one, "a")
    one.path(composition.template).unlink()
    send(sender, composition.whole)
    assert shelf.manifests == {}
    assert any("is missing; build again, and then push" in line for line in said), said


def changed(**fields: Any) -> Callable[[Shelf, Composition, bytes], bytes]:
    def change(_: Shelf, composition: Composition, __: bytes) -> bytes:
        return json.dumps({**json.loads(composition.to_json()), **fields}).encode()

    return change


def moved(_: Shelf, composition: Composition, __: bytes) -> bytes:
    """The same parts at other places: all digests are right but that of the whole."""
    first, second = composition.extents
    return Composition(
        composition.whole, composition.template, (Extent(first.offset + 1, first.artifact), second)
    ).to_json()


def bomb(shelf: Shelf, composition: Composition, _: bytes) -> bytes:
    data = gzip.compress(bytes(600_000))
    shelf.blobs[keys.sha256(data)] = data
    template = Artifact(keys.sha256(data), len(data))
    return Composition(composition.whole, template, composition.extents).to_json()


def other(_: Shelf, composition: Composition, __: bytes) -> bytes:
    whole = Artifact(keys.sha256(b"other"), composition.whole.size)
    return Composition(whole, composition.template, composition.extents).to_json()


def composed_here(_: Shelf, composition: Composition, __: bytes) -> bytes:
    """A part that `test_what_does_not_make…` has, but as a composition."""
    part_of = Extent(0, Artifact(keys.sha256(HERE), len(HERE)))
    whole = Artifact(composition.whole.digest, composition.whole.size)
    return Composition(whole, composition.template, (part_of,)).to_json()


HERE = b"between" + part("c") + b"between"
"""What `composed` makes of that part."""
HOSTILE: dict[str, Callable[[Shelf, Composition, bytes], bytes]] = {
    "moved": moved,
    "a bomb": bomb,
    "a part that is composed": composed_here,
    "of another file": other,
    "overlapping": changed(extents=[{"offset": 5, "digest": keys.sha256(part("a")), "size": 70_000}] * 2),
    "endless": changed(extents=[{"offset": 0, "digest": keys.sha256(part("a")), "size": 1 << 43}]),
    "a part that nobody has": changed(extents=[{"offset": 7, "digest": keys.sha256(b"none"), "size": 70_000}]),
    "a part outside": changed(extents=[{"offset": 7, "digest": "sha256:../../../etc/shadow", "size": 70_000}]),
    "no template": changed(template=None),
    "no JSON": lambda *_: b"{",
    "nested": lambda *_: b"[" * 100_000,
    "nothing": lambda *_: b"",
}  # fmt: skip


def replace_composition(shelf: Shelf, data: bytes) -> None:
    """What the only manifest names becomes ``data``."""
    shelf.blobs[keys.sha256(data)] = data
    (tag,) = shelf.manifests
    manifest = json.loads(shelf.manifests[tag])
    for layer in manifest["layers"]:
        if "composition" in layer["mediaType"]:
            layer |= {"digest": keys.sha256(data), "size": len(data)}
    shelf.manifests[tag] = json.dumps(manifest).encode()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_not_make_the_file_is_a_miss_with_a_line(tmp_path: Path, shelf: Shelf, name: str) -> None:
    composition, whole = sent(tmp_path, "a", "b")
    replace_composition(shelf, HOSTILE[name](shelf, composition, whole))
    two, fetcher, said = side(tmp_path / "two")
    here, _ = composed(two, "c")
    assert here.whole.digest == keys.sha256(HERE)
    with bounded():
        assert fetcher.lookup("iso", KEY, ("iso",)) is None
    assert len(said) == 1
    assert said[0].startswith(f"remote shelf://5: iso ({KEY[:16]}): ")
    assert "\n" not in said[0]
    assert not two.has(composition.whole)
    assert [digest for digest, _ in two.compositions()] == [here.whole.digest]


@pytest.mark.parametrize(
    "layer",
    [
        {"digest": "sha256:x", "size": 1},
        {"digest": keys.sha256(b""), "size": 1 << 30},
        {"digest": keys.sha256(b""), "size": -1},
        {"annotations": 5},
        {"annotations": {"io.debate.composes": ["x"]}},
        {"annotations": None},
    ],
)
def test_a_layer_that_is_malformed_is_a_miss_with_a_line(tmp_path: Path, shelf: Shelf, layer: dict[str, Any]) -> None:
    composition, _ = sent(tmp_path, "a")
    (tag,) = shelf.manifests
    manifest = json.loads(shelf.manifests[tag])
    manifest["layers"][0] |= layer
    shelf.manifests[tag] = json.dumps(manifest).encode()
    shelf.blobs.pop(composition.whole.digest, None)
    _, fetcher, said = side(tmp_path / "two")
    assert fetcher.lookup("iso", KEY, ("iso",)) is None
    assert len(said) == 1
