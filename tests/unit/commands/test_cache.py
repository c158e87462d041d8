"""What `doit cache`, `doit gc` and `doit fsck` say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from debate.cache import collect
from debate.cache.store import Store
from debate.commands.cache import run as cache
from debate.commands.fsck import run as fsck
from debate.commands.gc import run as gc
from debate.errors import DebateError
from debate.model import Artifact
from debate.settings import Settings
from debate.text.paths import shown
from tests.bounded import bounded
from tests.unit import damage
from tests.unit.commands.conftest import context_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build", remote="oci://r.example/x")


def built(settings: Settings, traces: dict[str, tuple[bool, float]]) -> Artifact:
    store = Store(settings.cache)
    layer = store.put(b"layer" * 1000)
    directory = settings.output / "minimal"
    (directory / "traces").mkdir(parents=True)
    (directory / "rootfs.json").write_text(json.dumps({"outputs": {"layer": vars(layer)}, "below": []}))
    for step, (cached, seconds) in traces.items():
        trace = {"step": step, "cached": cached, "seconds": seconds}
        (directory / "traces" / f"{step}.json").write_text(json.dumps(trace))
    store.announce(settings.output)
    return layer


def test_show(settings: Settings) -> None:
    built(settings, {"rootfs": (True, 30.0), "overlay": (False, 2.0), "initrd": (True, 12.4)})
    Store(settings.cache).put(b"unneeded")
    said = cache(context_of(settings)).text
    assert "2 objects, 5 kB; 0 actions" in said
    assert "not needed by any build here: 8 B; doit gc frees it" in said
    assert "remote: oci://r.example/x" in said
    assert "kept for profiles: 5 kB, for the tools tree: 0 B, packages of their locks: 0 B" in said
    line = next(line for line in said.splitlines() if "build/minimal" in line)
    assert line.split()[1:] == ["5", "kB", "0", "B", "0", "B", "2", "1", "42", "s", "(ran:", "overlay)"]
    assert "work saved in these builds: 42 s" in said
    whole, use = cache(context_of(settings)).data
    assert (whole["objects"], whole["size"], whole["unneeded"], whole["actions"]) == (2, 5008, 8, 0)
    assert (use["objects"], use["size"], use["misses"], use["saved"]) == (1, 5000, ("overlay",), 42.4)


OF_ALL = {"a": {"own", "layer"}, "b": {"layer"}, ".sandbox": {"tree"}}
"""Build -> what its records name."""


def remembered(settings: Settings) -> Store:
    """A store with objects of one build, of two, of the tools tree, of locks, and of nobody."""
    store = Store(settings.cache)
    made = {
        name: store.put(name.encode() * 1000) for name in ("own", "layer", "tree", "package", "index", "both", "rest")
    }
    for name, named in OF_ALL.items():
        directory = settings.output / name
        directory.mkdir(parents=True)
        (directory / "x.json").write_text(json.dumps({"outputs": {each: vars(made[each]) for each in named}}))
    for name, packages in {"a": ("package", "both"), "b": ("both", "layer")}.items():
        listed = [{"name": each, "sha256": made[each].digest.removeprefix("sha256:")} for each in packages]
        lock = {"packages": listed, "indexes": vars(made["index"]) if name == "a" else None}
        (settings.output / name / "lock.json").write_text(json.dumps(lock))
    store.announce(settings.output)
    return store


def test_show_for_whom(settings: Settings) -> None:
    """Each object once: what a record names is no package, and what profiles need is not the tools tree's."""
    remembered(settings)
    answer = cache(context_of(settings))
    whole, *uses = answer.data
    assert whole["kept"] == {"profiles": 8000, "tools": 4000, "packages": 16000, "nobody": 4000}
    assert whole["size"] == sum(whole["kept"].values()) == 32000
    found = {Path(use["profile"]).name: (use["size"], use["shared"], use["packages"], use["objects"]) for use in uses}
    assert found == {"a": (24000, 9000, 16000, 5), "b": (9000, 9000, 4000, 2), ".sandbox": (4000, 0, 0, 1)}
    said = answer.text.splitlines()
    rows = [line.split()[0].rpartition("/")[2] for line in said if line.startswith(f"{shown(settings.output)}/")]
    assert rows == ["a", ".sandbox", "b"]
    assert "kept for profiles: 8 kB, for the tools tree: 4 kB, packages of their locks: 16 kB" in said


def test_show_a_page(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(settings.cache)
    for number in range(60):
        (settings.output / f"p{number:02}").mkdir(parents=True)
        record = {"outputs": {"x": vars(store.put(b"x" * (number + 1)))}}
        (settings.output / f"p{number:02}" / "x.json").write_text(json.dumps(record))
    store.announce(settings.output)
    monkeypatch.setenv("LINES", "24")
    answer = cache(context_of(settings))
    assert len(answer.data) == 61
    lines = answer.text.splitlines()
    assert len(lines) < 24
    assert [line.split()[0][-3:] for line in lines if "build/p" in line][:2] == ["p59", "p58"]
    assert "and 48 builds more, for which alone less is kept: doit cache --format json names all" in lines


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
@pytest.mark.parametrize("name", ["x.json", "lock.json", "traces", "traces/x.json", ""])
def test_show_what_is_damaged(settings: Settings, kind: str, name: str) -> None:
    """Whatever is in the place of a record, nothing of it is followed, and the others are told."""
    remembered(settings)
    said = list[str]()
    path = settings.output / "a" / name
    if not name:
        (settings.output / "a" / "x.json").unlink()
        (settings.output / "a" / "lock.json").unlink()
        path.rmdir()
    path.parent.mkdir(exist_ok=True)
    if kind in damage.PLACES:
        damage.put(path, kind)
    else:
        path.unlink(missing_ok=True)
        path.write_bytes(damage.CONTENTS[kind])
    with bounded():
        whole, *uses = cache(context_of(settings, said.append)).data
    if name.endswith(".json"):
        told = [line for line in said if line.startswith(f"{shown(path.parent)}/{path.name}: is damaged, so ")]
        fine = ("nothing",) if name == "traces/x.json" else ("nothing", "an empty object", "another object")
        assert len(told) == (kind not in fine)
    assert {Path(use["profile"]).name for use in uses} >= {"b", ".sandbox"}
    assert whole["size"] == sum(whole["kept"].values())


def test_show_an_empty_cache(settings: Settings) -> None:
    assert "0 objects, 0 B; 0 actions" in cache(context_of(settings)).text


def test_gc_says_what_is_needed(settings: Settings) -> None:
    built(settings, {})
    said = gc(context_of(settings), "1K", "", "").text
    assert said.startswith("0 objects removed, 0 B; 5 kB left, more than the 1 kB asked for: builds need 5 kB (")
    with pytest.raises(DebateError, match=r"^--size: 'lots' is not a size"):
        gc(context_of(settings), "lots", "", "")
    with pytest.raises(DebateError, match=r"^--age: 'ages' is not a time"):
        gc(context_of(settings), "", "ages", "")


def test_fsck(settings: Settings) -> None:
    layer = built(settings, {})
    assert fsck(context_of(settings), "").text == "1 object read, 5 kB; all match their digests\n"
    path = Store(settings.cache).path(layer)
    path.chmod(0o644)
    path.write_bytes(b"?" * 5000)
    with pytest.raises(DebateError, match=f"1 object removed, because each did not match.*\n  {layer.digest}"):
        fsck(context_of(settings), "")
    assert fsck(context_of(settings), "").text == "0 objects read, 0 B; all match their digests\n"


def test_fsck_finds_what_builds_remember_wrongly(settings: Settings) -> None:
    built(settings, {"rootfs": (True, 30.0)})
    output = settings.output / "minimal"
    wrong = {"hash.json": '{"config": 5}', "slices/boot.json": "[]", "traces/boot.json": '{"step": 5}'}
    for name, text in wrong.items():
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_text(text)
    (output / "iso.json").mkdir()
    (settings.cache / "objects" / "notes.txt").write_text("x")
    with pytest.raises(DebateError) as caught:
        fsck(context_of(settings), "")
    said = str(caught.value)
    assert "1 file removed, because each does not belong into the store; 4 records removed, because " in said
    assert all(name in said for name in (*wrong, "iso.json", "notes.txt"))
    assert sorted(path.name for path in output.rglob("*.json")) == ["rootfs.json", "rootfs.json"]
    assert fsck(context_of(settings), "").good


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
def test_every_command_tells_of_damaged_actions(settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Which they are, and fsck by its status."""
    built(settings, {})
    store, said = Store(settings.cache), list[str]()
    store.record("a" * 64, "rootfs", {"layer": store.put(b"x")}, 1)
    path = store.action_path("d" * 64)
    monkeypatch.chdir(path.parent)
    if kind in damage.PLACES:
        damage.put(path, kind)
    else:
        path.write_bytes(damage.CONTENTS[kind])
    if not os.path.lexists(path):
        return
    gc(context_of(settings, said.append), "", "", "here")
    told = [line for line in said if shown(path) in line]
    assert [line.partition(": ")[2] for line in told] == [
        "is damaged, so it names no source and is never used; doit fsck removes it"
    ]
    with pytest.raises(DebateError) as caught:
        fsck(context_of(settings), "")
    assert shown(path) in str(caught.value)
    what = (
        "1 action removed, because each was damaged" if kind == "a huge file" or kind in damage.CONTENTS else "1 file"
    )
    assert what in str(caught.value)
    assert not os.path.lexists(path)
    assert fsck(context_of(settings), "").good


def test_gc_tells_of_damage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "RECENT", -1.0)
    layer = built(settings, {"rootfs": (True, 30.0)})
    store, said = Store(settings.cache), list[str]()
    action, record = store.action_path("d" * 64), settings.output / "minimal" / "iso.json"
    action.parent.mkdir(exist_ok=True)
    action.write_text("{")
    record.write_text("{")
    (settings.output / "minimal" / "rootfs.json").unlink()
    download = store.incoming_path(layer)
    download.parent.mkdir(exist_ok=True)
    download.touch()
    os.utime(download, (0, 0))
    cache(context_of(settings, said.append))
    assert [line.partition(":")[0] for line in said] == [shown(record)]
    answer = gc(context_of(settings, said.append), "", "", "")
    assert answer.text.startswith("1 object removed, 5 kB; 0 B left; 1 download removed, which were not finished")
    assert [line.partition(":")[0] for line in said[1:]] == [shown(record), shown(action)]


def test_what_is_of_one_source_is_dropped_with_what_builds_remember(settings: Settings) -> None:
    layer = built(settings, {})
    store, address = Store(settings.cache), "oci://r.example/x"
    store.record("a" * 64, "rootfs", {"layer": layer}, 1, address)
    trace = {"step": "rootfs", "key": "a" * 64, "outputs": {"layer": vars(layer)}, "origin": address}
    (settings.output / "minimal" / "traces" / "rootfs.json").write_text(json.dumps(trace))
    with pytest.raises(DebateError, match=f"^--source: nothing here is from 'x'; the store has results of {address}$"):
        gc(context_of(settings), "", "", "x")
    said = gc(context_of(settings), "", "", address).text
    assert said == f"1 action of {address} removed; 1 object that only they named, 5 kB\n"
    assert not store.has(layer)
    assert not list((settings.output / "minimal").rglob("*.json"))
