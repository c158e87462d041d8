"""The store believes nothing: what is damaged is a miss that the next build heals, and nothing good is deleted."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.cache import sources
from debate.cache.action import HERE, Action
from debate.cache.check import check
from debate.cache.collect import collect
from debate.cache.store import Store
from debate.model import Artifact
from tests.bounded import bounded
from tests.composed import composed
from tests.conftest import many
from tests.unit import damage

KEY = keys.key("step")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
PARTS = ("objects", "objects/sha256", "compositions", "actions", "locks", "running", "outputs", "incoming", "tmp")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)  # The path of a socket must be short.
    return Store(tmp_path / "cache", said.append)


def build(store: Store) -> Action:
    """What a builder does with a step. Asserts that the result is known afterwards."""
    found = store.lookup(KEY, ("layer", "packages"))
    if found is None:
        with store.locked(KEY), store.workspace("1-1-1-step") as directory:
            outputs = {}
            for name in ("layer", "packages"):
                (directory / name).write_bytes(name.encode())
                outputs[name] = Artifact(keys.sha256(name.encode()), len(name))
                store.adopt(directory / name, outputs[name])
            store.record(KEY, "step", outputs, 1.5)
        found = store.lookup(KEY, ("layer", "packages"))
    assert found is not None
    assert {name: store.read(artifact, 1 << 20) for name, artifact in found.outputs.items()} == {
        "layer": b"layer",
        "packages": b"packages",
    }
    return found


WHOLE = Action(
    KEY,
    "step",
    {"a": Artifact(keys.sha256(b"a"), 1), "b": Artifact(keys.sha256(b"b"), 1)},
    1.5,
    "oci://r.example/x",
    "0" * 16,
).to_json()


def test_an_action_there_and_back() -> None:
    assert Action.from_json(KEY, json.dumps(WHOLE).encode()).to_json() == WHOLE


@many(800)
@given(damage.mutants(WHOLE) | st.sampled_from(list(damage.CONTENTS.values())))
def test_an_action_is_whole_or_refused(data: bytes) -> None:
    try:
        with bounded():
            action = Action.from_json(KEY, data)
    except ValueError:
        return
    again = json.dumps(action.to_json()).encode()
    assert Action.from_json(KEY, again) == action


def test_an_action_under_another_key_is_none(store: Store) -> None:
    """Who can rename files could otherwise give a step the outputs of another."""
    build(store)
    other = keys.key("other")
    os.rename(store.root / "actions" / f"{KEY}.json", store.root / "actions" / f"{other}.json")
    assert store.lookup(other) is None


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
@pytest.mark.parametrize("part", ["action", "object", "lock", "incoming", "running", "outputs"])
def test_one_run_heals_a_file(store: Store, part: str, kind: str) -> None:
    layer = build(store).outputs["layer"]
    path = {
        "action": store.root / "actions" / f"{KEY}.json",
        "object": store.path(layer),
        "lock": store.root / "locks" / KEY,
        "incoming": store.incoming_path(layer),
        "running": store.root / "running" / "1-1-1-builder",
        "outputs": store.root / "outputs" / ("0" * 32),
    }[part]
    path.parent.mkdir(exist_ok=True)
    if kind in damage.PLACES:
        damage.put(path, kind)
    else:
        damage.clear(path)
        path.write_bytes(damage.CONTENTS[kind])
    build(store)
    with store.locked(KEY):
        pass
    damage.clear(store.path(layer))
    with store.incoming(layer) as file:
        assert file is not None
        file.truncate(0)
        file.write(b"layer")
        store.adopt(store.incoming_path(layer), layer)
    build(store)
    assert store.oldest_builder() == float("inf")
    store.outputs()
    collect(store, age=1e9)
    check(store, lambda *_: None)
    assert check(store, lambda *_: None).foreign == ()
    build(store)


@pytest.mark.parametrize("kind", [kind for kind in damage.PLACES if kind != "nothing"])
@pytest.mark.parametrize("part", [*PARTS, "objects/sha256/12"])
def test_one_run_heals_a_directory(store: Store, said: list[str], part: str, kind: str) -> None:
    """Whatever is in the place of a directory is put aside, with a line, and the store works."""
    build(store)
    path = store.root / part
    path.parent.mkdir(parents=True, exist_ok=True)
    damage.put(path, kind)
    build(store)
    with store.incoming(Artifact(keys.sha256(b"x"), 1)):
        store.announce(store.root.parent)
    assert list(store.abandoned()) == []
    store.put(b"anything")
    check(store, lambda *_: None)
    assert check(store, lambda *_: None).foreign == ()
    build(store)
    if "directory" not in kind and part in ("actions", "objects"):
        assert any(f"{part}: is no directory, so it was put aside" in line for line in said)


@pytest.mark.parametrize("size", [0, 1, 4, 6, 1 << 40])
def test_who_asks_for_another_size_is_wrong_and_not_the_object(store: Store, said: list[str], size: int) -> None:
    """A lock or a statement of a remote could otherwise delete the tools tree."""
    layer = build(store).outputs["layer"]
    before = store.path(layer).stat()
    wrong = Artifact(layer.digest, size)
    assert not store.has(wrong)
    store.record(keys.key("other"), "other", {"layer": wrong}, 1)
    assert store.lookup(keys.key("other")) is None
    after = store.path(layer).stat()
    assert (after.st_ino, after.st_size, after.st_mode) == (before.st_ino, before.st_size, before.st_mode)
    assert store.has(layer)
    assert len(said) == 1, "it says so once"
    assert said[0].endswith(f": has 5 bytes, and is asked for with {size:,}, so it counts as missing")


@pytest.mark.parametrize("claimed", ["its size", "another"])
@pytest.mark.parametrize("touched", [True, False])
def test_an_endless_object_is_not_read(store: Store, claimed: str, touched: bool) -> None:
    """Reading a file without content takes hours, too; nor is one read for as long as someone adds to it."""
    layer = build(store).outputs["layer"]
    path = store.path(layer)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate((1 << 43) - (1 << 20))
    path.chmod(0o444)
    if not touched:
        os.utime(path, ns=(0, 0))
    size = path.stat().st_size
    with bounded():
        assert not store.has(Artifact(layer.digest, size if claimed == "its size" and touched else layer.size))
        build(store)
        assert path.stat().st_size == layer.size
        damage.clear(path)
        path.touch()
        os.truncate(path, size)
        assert store.verify(layer.digest) is False
    build(store)


@many(200)
@given(size=st.integers(0, 1 << 44), content=st.binary(max_size=20), touched=st.booleans())
def test_no_object_is_deleted_but_one_whose_content_is_wrong(size: int, content: bytes, touched: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        good = store.put(b"good")
        path = store.path(good)
        if content != b"good":
            path.chmod(0o644)
            path.write_bytes(content)
            path.chmod(0o444)
        if not touched:
            os.utime(path, ns=(0, 0))
        found = store.has(Artifact(good.digest, size))
        if content == b"good":
            assert path.read_bytes() == b"good"
            assert found == (size == 4)
        elif size != len(content):
            assert not found
            assert path.read_bytes() == content
            if touched or len(content) != 4:
                assert store.put(b"good") == good
                assert path.read_bytes() == b"good"
        elif touched:
            assert not found
            assert not path.exists()


@ROOT_ONLY
@pytest.mark.parametrize("content", [b"layer", b"other", b"longer than it"])
@pytest.mark.parametrize(("owner", "mode"), [(0, 0o600), (0, 0o640), (0, 0o4755), (1002, 0o600)])
def test_a_file_of_the_host_that_was_linked_there(store: Store, content: bytes, owner: int, mode: int) -> None:
    """Who could write to the store, on a kernel that does not protect hard links, changes nothing of it thereby."""
    layer = build(store).outputs["layer"]
    elsewhere = store.root.parent / "elsewhere"
    elsewhere.write_bytes(content)
    os.chown(elsewhere, owner, owner)
    elsewhere.chmod(mode)
    os.utime(elsewhere, ns=(1000, 1000))
    before = elsewhere.stat()
    places = [store.path(layer), store.incoming_path(layer), store.root / "actions" / f"{KEY}.json"]

    def download(artifact: Artifact) -> None:
        with store.incoming(artifact) as file:
            if file is not None:
                file.write(b"layer")
                file.flush()
                store.adopt(store.incoming_path(artifact), artifact)

    for use in (store.has, lambda _: check(store, lambda *_: None), lambda _: build(store), download):
        for path in places:
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            os.link(elsewhere, path)
            path.parent.chmod(0o777)
        use(layer)
        after = elsewhere.stat()
        assert elsewhere.read_bytes() == content
        assert (after.st_uid, after.st_mode, after.st_mtime_ns) == (before.st_uid, before.st_mode, before.st_mtime_ns)
        build(store)
        assert not store.path(layer).samefile(elsewhere)
        assert stat.S_IMODE(store.path(layer).stat().st_mode) == 0o444


@ROOT_ONLY
@pytest.mark.parametrize(("owner", "mode"), [(1001, 0o644), (0, 0o666), (1001, 0o600), (0, 0o622)])
def test_an_action_that_others_could_write_is_a_miss(store: Store, said: list[str], owner: int, mode: int) -> None:
    build(store)
    path = store.root / "actions" / f"{KEY}.json"
    os.chown(path, owner, owner)
    path.chmod(mode)
    assert store.lookup(KEY) is None
    assert len(said) == 1
    assert f"actions/{KEY}.json: " in said[0]
    build(store)
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (0, 0o644)


@ROOT_ONLY
@pytest.mark.parametrize("part", ["objects", "objects/sha256", "start"])
@pytest.mark.parametrize("change", [lambda path: path.chmod(0o777), lambda path: os.chown(path, 1001, 1001)])
def test_what_others_could_rename_is_read_again(store: Store, part: str, change: Callable[[Path], object]) -> None:
    """In a directory of theirs, one object could have the name of another, with nothing else changed."""
    layer = build(store).outputs["layer"]
    path = store.path(layer)
    forged = path.with_name("f" * 62)
    os.link(path, forged)  # What the name says is something else, and all else is in order.
    digest = f"sha256:{forged.parent.name}{forged.name}"
    change(path.parent if part == "start" else store.root / part)
    assert not store.has(Artifact(digest, layer.size))
    assert not forged.exists()
    assert store.has(layer)
    for directory in (path.parent, *(store.root / name for name in PARTS[:2])):
        assert (directory.stat().st_uid, stat.S_IMODE(directory.stat().st_mode)) == (0, 0o755)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_the_umask_does_not_matter(store: Store, tmp_path: Path, umask: int) -> None:
    """With 000 anybody could otherwise replace an action, and with 077 no user could look into the store."""
    before = os.umask(umask)
    try:
        build(store)
        store.announce(store.root.parent)
        composition, _ = composed(store, "a")
        for number, artifact in enumerate((store.put(b"more"), composition.whole)):
            store.copy_out(artifact, tmp_path / f"out{number}")
            assert stat.S_IMODE((tmp_path / f"out{number}").stat().st_mode) == 0o644
    finally:
        os.umask(before)
    modes = {path.relative_to(store.root): stat.S_IMODE(path.lstat().st_mode) for path in store.root.rglob("*")}
    assert {mode for path, mode in modes.items() if (store.root / path).is_dir()} == {0o755}
    assert {mode for path, mode in modes.items() if "objects" in path.parts and (store.root / path).is_file()} == {
        0o444
    }
    assert modes[Path("actions") / f"{KEY}.json"] == 0o644
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o755


@ROOT_ONLY
def test_a_store_of_another_user_is_used_by_root(store: Store) -> None:
    """All of it was taken by another user, or put there by one: nothing is believed without reading it."""
    layer = build(store).outputs["layer"]
    for path in (store.root, *store.root.rglob("*")):
        os.chown(path, 1001, 1001)
    store.path(layer).chmod(0o644)
    store.path(layer).write_bytes(b"LAYER")
    store.path(layer).chmod(0o444)
    os.utime(store.path(layer), ns=(0, 0))
    assert store.lookup(KEY) is None
    build(store)
    assert store.path(layer).stat().st_uid == 0


@pytest.fixture
def three(store: Store) -> dict[str, Artifact]:
    """Results of three sources; one object is of two of them."""
    objects = {name: store.put(name.encode()) for name in ("mine", "theirs", "signed", "both")}
    store.record(keys.key(1), "a", {"x": objects["mine"], "y": objects["both"]}, 1)
    store.record(keys.key(2), "b", {"x": objects["theirs"], "y": objects["both"]}, 1, "oci://r.example/x")
    store.record(keys.key(3), "c", {"x": objects["signed"]}, 1, "oci://r.example/y", "0123456789ABCDEF")
    return objects


@pytest.mark.parametrize(
    ("source", "gone", "left"),
    [
        ("oci://r.example/x", "theirs", 2), ("oci://r.example/y", "signed", 2), ("0123456789ABCDEF", "signed", 2),
        (HERE, "mine", 2), ("oci://r.example", "", 3),
    ],
)  # fmt: skip
def test_all_of_one_source_can_be_dropped(
    store: Store, three: dict[str, Artifact], source: str, gone: str, left: int
) -> None:
    done = sources.drop(store, source)
    assert (done.actions, done.objects) == ((1, 1) if gone else (0, 0))
    assert {name for name, artifact in three.items() if not store.has(artifact)} == ({gone} if gone else set())
    assert len(list(store.actions())) == left
