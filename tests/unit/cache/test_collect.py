"""Garbage collection: what goes, in which order, and what never goes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from debate import keys
from debate.cache import collect
from debate.cache.collect import Collected
from debate.cache.store import Store
from debate.model import Artifact


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(collect, "RECENT", 0.0)
    return Store(tmp_path / "cache")


def put(store: Store, *names: str) -> list[Artifact]:
    """Objects of 100 bytes with an action each, used in this order."""
    made = []
    for name in names:
        artifact = store.put(name.encode().ljust(100))
        store.record(keys.key(name), name, {"it": artifact}, 1)
        made.append(artifact)
        time.sleep(0.02)
    return made


def there(store: Store) -> set[str]:
    return {digest for digest, _ in store.objects()}


def test_the_least_recently_used_go_first(store: Store) -> None:
    first, second, third = put(store, "first", "second", "third")
    path = store.path(first)
    os.utime(path, ns=(0, 0))  # As `has` does when it notes a use.
    assert collect.collect(store, size=200) == Collected(1, 100, 200, 0)
    assert there(store) == {first.digest, third.digest}
    assert store.lookup(keys.key("second")) is None
    assert {key for key, _ in store.actions()} == {keys.key("first"), keys.key("third")}
    assert second.digest not in there(store)


def test_whole_isos_of_earlier_versions_go_first(store: Store) -> None:
    first, second, third = put(store, "first", "second", "third")
    store.record(keys.key("iso"), "iso", {"iso": second}, 1)
    collect.collect(store, size=250)
    assert there(store) == {first.digest, third.digest}
    collect.collect(store, size=150)
    assert there(store) == {third.digest}


def test_looking_at_an_object_is_using_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from debate.cache import store as module

    first, _, _ = put(store, "first", "second", "third")
    monkeypatch.setattr(module, "_FRESH", 0.0)
    assert store.has(first)
    collect.collect(store, size=100)
    assert there(store) == {first.digest}


def test_by_age(store: Store) -> None:
    old, _ = put(store, "old", "new")
    time.sleep(0.1)
    new = store.put(b"newer")
    assert collect.collect(store, age=0.1).objects == 2
    assert there(store) == {new.digest}
    assert old.digest not in there(store)


@pytest.mark.parametrize("size", [0, 1, 100, 199, 200, 299, 300, 10_000])
def test_no_more_than_must_goes(store: Store, size: int) -> None:
    put(store, "first", "second", "third")
    done = collect.collect(store, size=size)
    assert done.left <= size
    assert done.left + done.freed == 300
    assert size < 300 - done.left + 100 or done.objects == 0 or size - done.left < 100


def test_what_records_and_locks_name_stays(store: Store, tmp_path: Path) -> None:
    layer, package, tools, other = put(store, "layer", "package", "tools", "other")
    output = tmp_path / "build"
    for name, record in {
        "p/rootfs.json": {"outputs": {"layer": vars(layer)}},
        "p/lock.json": {"packages": [{"sha256": package.digest.removeprefix("sha256:")}]},
        ".sandbox/sandbox.json": {"outputs": {"tools": vars(tools)}},
        "p/broken.json": [],
    }.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(json.dumps(record))
    (output / "p" / "damaged.json").write_text("{")
    announce(store, output)
    assert collect.collect(store, size=0) == Collected(1, 100, 300, 300)
    assert there(store) == {layer.digest, package.digest, tools.digest}
    assert other.digest not in there(store)


def announce(store: Store, output: Path, *, code: str = "") -> None:
    """Have another process announce itself, do ``code`` and end."""
    program = f"from pathlib import Path; from debate.cache.store import Store\ns = Store(Path({str(store.root)!r}))\n"
    program += f"s.announce(Path({str(output)!r}))\n{code}"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_output_directory_that_is_gone_needs_nothing(store: Store, tmp_path: Path) -> None:
    put(store, "layer")
    announce(store, tmp_path / "gone")
    assert collect.collect(store, size=0).objects == 1
    assert os.listdir(store.root / "outputs") == []
    assert os.listdir(store.root / "running") == []


@pytest.mark.parametrize("alive", [True, False])
def test_what_a_running_builder_has_used_stays(store: Store, tmp_path: Path, alive: bool) -> None:
    (before,) = put(store, "before")
    program = (
        "import sys; from pathlib import Path; from debate.cache.store import Store\n"
        "s = Store(Path(sys.argv[1])); s.announce(Path(sys.argv[2])); s.put(b'used'.ljust(100))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", program, str(store.root), str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert builder.stdout
    assert builder.stdin
    assert builder.stdout.readline() == "ready\n"
    if not alive:
        builder.kill()
        builder.wait()
    done = collect.collect(store, size=0)
    assert before.digest not in there(store)
    assert done.left == (100 if alive else 0)
    if alive:
        builder.communicate()
    else:
        builder.stdin.close()
        builder.stdout.close()


def test_what_was_used_a_moment_ago_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    put(store, "new")
    assert collect.collect(store, size=0) == Collected(0, 0, 100, 100)


def test_old_downloads_go(store: Store) -> None:
    (store.root / "incoming").mkdir(parents=True)
    for name, age in (("0" * 64, 2 * 86_400), ("1" * 64, 60)):
        path = store.root / "incoming" / name
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    collect.collect(store, size=0)
    assert os.listdir(store.root / "incoming") == ["1" * 64]


def test_the_lock_of_a_forgotten_action_goes_unless_it_is_held(store: Store) -> None:
    put(store, "free", "held")
    with store.locked(keys.key("free")):
        pass
    with store.locked(keys.key("held")):
        collect.collect(store, size=0)
        assert (store.root / "locks" / keys.key("held")).exists()
    assert not (store.root / "locks" / keys.key("free")).exists()


def test_in_the_background(store: Store) -> None:
    old = put(store, "first", "second")
    for artifact in old:
        assert store.has(artifact)
    collect.in_background(store, 0)
    deadline = time.monotonic() + 20
    while not (store.root / "locks" / "collecting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with store.alone("collecting"):
        pass
    assert len(there(store)) == 2, "used within the last minute"


def test_only_one_collects(store: Store) -> None:
    with store.alone("collecting") as first, store.alone("collecting") as second:
        assert (first, second) == (True, False)


def test_objects_that_are_looked_at_beside_a_collection_are_there_or_not(store: Store) -> None:
    """A builder for which `has` said yes finds the object, however often someone collects meanwhile."""
    program = (
        "import sys; from pathlib import Path; from debate.cache import collect; from debate.cache.store import Store\n"
        "s = Store(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: collect.collect(s, size=0)"
    )
    collector = subprocess.Popen(
        [sys.executable, "-c", program, str(store.root)], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert collector.stdout
        collector.stdout.readline()
        for number in itertools.islice(itertools.count(), 300):
            artifact = store.put(str(number).encode())
            assert store.has(artifact)
            assert store.read(artifact, 1 << 20) == str(number).encode()
    finally:
        collector.kill()
        collector.communicate()
