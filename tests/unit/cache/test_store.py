"""The local store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from debate import keys
from debate.cache.store import Store
from debate.host.files import is_builder_alive, workspace_name, write_atomically
from debate.model import Artifact

KEY = keys.key("k")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_put_and_read(store: Store) -> None:
    artifact = store.put(b"data")
    assert artifact == Artifact(keys.sha256(b"data"), 4)
    assert store.has(artifact)
    assert store.read(artifact, 1 << 20) == b"data"
    assert store.path(artifact).stat().st_mode & 0o777 == 0o444
    assert store.path(artifact).parent.parent.name == "sha256"


@pytest.mark.parametrize("content", [b"dat", b"daTa", b"data and more", b""])
def test_an_object_that_was_written_to_is_no_object(store: Store, content: bytes) -> None:
    artifact = store.put(b"data")
    store.path(artifact).chmod(0o644)
    store.path(artifact).write_bytes(content)
    assert not store.has(artifact)
    assert not store.has(artifact), "it is not offered again"
    store.put(b"data")
    assert store.path(artifact).read_bytes() == b"data"
    assert store.put(b"data") == artifact
    assert store.has(artifact)


def test_an_object_is_read_again_only_when_its_time_moved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = store.put(b"data")
    os.utime(store.path(artifact))
    assert store.has(artifact), "touched, but whole"

    def read(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(keys, "sha256_file", read)
    assert store.has(artifact)


def test_an_action_counts_only_with_all_its_outputs(store: Store) -> None:
    one, two = store.put(b"1"), store.put(b"2")
    store.record(KEY, "step", {"one": one, "two": two}, 1.5)
    found = store.lookup(KEY)
    assert found is not None
    assert found.outputs == {"one": one, "two": two}
    assert found.seconds == 1.5
    store.path(two).unlink()
    assert store.lookup(KEY) is None


@pytest.mark.parametrize("names", [(), ("one",), ("one", "two", "three"), ("one", "three")])
def test_an_action_with_other_outputs_is_a_miss(store: Store, names: tuple[str, ...]) -> None:
    """Later steps depend on which outputs there are, so neither may any be missing nor may any be added."""
    store.record(KEY, "step", {"one": store.put(b"1"), "two": store.put(b"2")}, 1.5)
    assert store.lookup(KEY, names) is None
    assert store.lookup(KEY, ("two", "one")) == store.lookup(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"outputs": {"a": {"digest": 1}}}',
        b'{"outputs": 3}',
        b'{"outputs": {"a": {"digest": 1, "size": 2}}}',
        b'{"outputs": {}, "seconds": "long"}',
        b'{"outputs": {}, "seconds": 1' + b"0" * 400 + b"}",
        b"[" * 100_000,
    ],
)
def test_a_damaged_action_is_a_miss(store: Store, content: bytes) -> None:
    (store.root / "actions").mkdir(parents=True)
    (store.root / "actions" / f"{KEY}.json").write_bytes(content)
    assert store.lookup(KEY) is None
    assert [key for key, _ in store.actions()] == [KEY]


HOSTILE = {
    "an absolute path": "sha256:aa{root}/victim", "a path": "sha256:../{root}/victim",
    "upwards": "sha256:{start}../../../victim", "an algorithm that is a path": "{root}/vi:ct:im",
    "another algorithm": "sha512:" + "1" * 64,
    "capitals": "sha256:" + "A" * 64, "a line more": "sha256:" + "1" * 64 + "\n", "nothing": "", "a number": 5,
}  # fmt: skip


@pytest.mark.parametrize("size", [6, 5])
@pytest.mark.parametrize("digest", HOSTILE.values(), ids=HOSTILE)
def test_an_action_touches_no_file_outside_the_objects(store: Store, digest: object, size: int) -> None:
    """The path of an object is made from its digest. With another size, its file would be removed."""
    start = store.path(store.put(b"data")).parent.name
    for victim in (store.root / "victim", store.root / "vi" / "ct" / ":im"):
        victim.parent.mkdir(parents=True, exist_ok=True)
        victim.write_bytes(b"victim")
    before = {path: path.stat() for path in store.root.rglob("*") if path.is_file()}
    name = digest.format(root=store.root, start=start) if isinstance(digest, str) else digest
    (store.root / "actions").mkdir()
    action = {
        "key": KEY, "step": "x", "outputs": {"a": {"digest": name, "size": size}}, "seconds": 1, "source": "here",
        "signer": "",
    }  # fmt: skip
    (store.root / "actions" / f"{KEY}.json").write_text(json.dumps(action))
    assert store.lookup(KEY) is None
    assert {path: path.stat() for path in before} == before


@pytest.mark.parametrize("size", [4, 6])
def test_a_link_in_place_of_an_object(store: Store, tmp_path: Path, size: int) -> None:
    """The file that it names, of the right content or another, keeps its owner, mode and time."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"data")
    victim.chmod(0o600)
    before = victim.stat()
    artifact = Artifact(keys.sha256(b"data"), size)
    path = store.path(artifact)
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    assert not store.has(artifact)
    after = victim.stat()
    assert (after.st_uid, after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_uid, before.st_mode, before.st_mtime_ns, before.st_ctime_ns,
    )  # fmt: skip
    assert not path.is_symlink(), "it is not offered again"


def test_adopt(store: Store, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"made")
    artifact = Artifact(keys.sha256(b"made"), 4)
    store.adopt(tmp_path / "made", artifact)
    assert store.read(artifact, 1 << 20) == b"made"
    assert not (tmp_path / "made").exists()


def test_a_second_builder_waits(store: Store) -> None:
    order = []
    told = threading.Event()

    def second() -> None:
        with store.locked(KEY, told.set):
            order.append("second")

    with store.locked(KEY):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(10), "the second builder is told that it waits"
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_workspaces_of_the_dead_are_abandoned(store: Store) -> None:
    code = (
        "import os, sys, pathlib; from debate.cache.store import Store; from debate.host.files import workspace_name\n"
        "with Store(pathlib.Path(sys.argv[1])).workspace(workspace_name('step')) as d: print(d); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.root)], capture_output=True, text=True)
    left = Path(done.stdout.strip() or store.root / "tmp" / os.listdir(store.root / "tmp")[0])
    assert left.exists()
    with store.workspace(workspace_name("mine")) as mine:
        assert list(store.abandoned()) == [left.name]
        assert mine.exists()
        assert is_builder_alive(mine.name)
    assert not left.exists()
    assert os.listdir(store.root / "tmp") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize(("owner", "mode", "usable"), [(0, 0o444, True), (1001, 0o444, False), (0, 0o666, False)])
def test_another_user_believes_only_what_nobody_else_can_write(owner: int, mode: int, usable: bool) -> None:
    """The store of several users: one of them looks into it who may not write there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        os.chmod(name, 0o755)  # noqa: S103 - the other user has to get there
        store = Store(Path(name))
        artifact = store.put(b"shared")
        store.record(KEY, "step", {"it": artifact}, 1)
        os.chown(store.path(artifact), owner, owner)
        store.path(artifact).chmod(mode)
        child = os.fork()
        if child == 0:
            status = 2  # Also where something is raised, or this child would go on as a second pytest.
            try:
                os.setresgid(1000, 1000, 1000)
                os.setresuid(1000, 1000, 1000)
                found = store.lookup(KEY)
                status = int(found is not None and store.read(artifact, 1 << 20) == b"shared")
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == usable
        assert store.path(artifact).exists()


def test_write_atomically_leaves_the_old_content_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "f", b"old")

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]
