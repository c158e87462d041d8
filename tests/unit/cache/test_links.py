"""Git can carry a link in the place of any directory of the store, and odd names in it: root never follows one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from debate import keys
from debate.cache import collect, sources
from debate.cache.action import HERE
from debate.cache.check import check
from debate.cache.report import report
from debate.cache.store import Store
from debate.graph.run import Run
from debate.host import files
from debate.sandbox import limits
from debate.settings import Settings
from debate.steps.rule import HOST
from tests.unit import outside

PARTS = ("objects", "objects/sha256", "compositions", "actions", "locks", "running", "outputs", "incoming", "tmp")
HEX = "0" * 64
NAMES = {
    "objects/sha256/00": "0" * 62, "compositions": f"{HEX}.json", "actions": f"{HEX}.json", "locks": HEX,
    "running": "1-1-1-builder", "outputs": "0" * 32, "incoming": HEX, "tmp": "1-1-1-step",
}  # fmt: skip
"""Directory -> a name that it can have."""


def begin(store: Store, settings: Settings) -> None:
    """What a build does before its first sandbox."""
    run = Run(settings)
    run.say = store.say  # type: ignore[method-assign]
    run.builder("config:x")


def end(store: Store, _: Settings) -> None:
    """What it does in the background after its last task."""
    collect.main(str(store.root), str(1 << 40))


SHOWS: dict[str, Callable[[Store, Settings], object]] = {
    "cache": lambda store, _: report(store, "", HOST), "outputs": lambda store, _: store.outputs(),
    "counts": lambda store, _: (list(store.objects()), list(store.actions()), list(store.compositions())),
}  # fmt: skip
CHANGES: dict[str, Callable[[Store, Settings], object]] = {
    "a build begins": begin, "a build ends": end,
    "gc": lambda store, _: (store.secure(), collect.collect(store, size=0)),
    "gc --age": lambda store, _: (store.secure(), collect.collect(store, age=0.0)),
    "gc --source": lambda store, _: sources.drop(store, HERE), "fsck": lambda store, _: check(store, lambda *_: None),
    "an object": lambda store, _: store.put(b"anything"),
    "an action": lambda store, _: (store.record(keys.key(1), "x", {}, 1), store.lookup(keys.key(1))),
    "killed builders": lambda store, _: list(store.abandoned()),
    "other builders": lambda store, _: store.oldest_builder(),
    "forgotten": lambda store, _: (store.forget([HEX]), store.forget_outputs()),
    "a composition": lambda store, _: store.drop_composition(keys.digest(HEX)),
    "an object that goes": lambda store, _: store.discard(store.path_of(keys.digest(HEX))),
}  # fmt: skip


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory of the host that has something under each name that the store knows, all of it old."""
    found = tmp_path / "elsewhere"
    for name in {*NAMES.values(), f"00/{'0' * 62}", f"sha256/00/{'0' * 62}"}:
        (found / name).mkdir(parents=True)
        (found / name / "lock").touch()
        (found / name.replace("0", "f").replace("1-", "2-")).touch() if "/" not in name else None
    return outside.aged(found)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(collect, "RECENT", 0.0)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    store = Store(tmp_path / "checkout" / "cache", said.append)
    store.root.mkdir(parents=True)
    return store


def settings_of(store: Store) -> Settings:
    root = store.root.parent
    return Settings(root=root, cache=store.root, output=root / "build")


def require_unfollowed(store: Store, use: str, elsewhere: Path, before: object, kind: str) -> None:
    """After a use of the store ``elsewhere`` is as ``before``, and after one that only looks the store, too."""
    inside = outside.state(store.root)
    (SHOWS | CHANGES)[use](store, settings_of(store))
    assert outside.state(elsewhere) == before, kind
    assert use not in SHOWS or outside.state(store.root) == inside, "who only looks changes nothing"


@pytest.mark.parametrize("use", [*SHOWS, *CHANGES])
@pytest.mark.parametrize("part", PARTS)
def test_nothing_in_the_place_of_a_directory_is_followed(store: Store, elsewhere: Path, part: str, use: str) -> None:
    before = outside.state(elsewhere)
    for kind, put in outside.KINDS.items():
        store = Store(store.root.with_name(f"cache of {kind}"), store.say)
        (store.root / part).parent.mkdir(parents=True, exist_ok=True)
        put(store.root / part, elsewhere)
        require_unfollowed(store, use, elsewhere, before, kind)


@pytest.mark.parametrize("use", ["gc", "gc --age", "gc --source", "fsck", "a build begins", "cache"])
@pytest.mark.parametrize("part", PARTS)
def test_it_is_told_and_put_aside(store: Store, elsewhere: Path, part: str, use: str) -> None:
    (store.root / part).parent.mkdir(parents=True, exist_ok=True)
    (store.root / part).symlink_to(elsewhere)
    said: list[str] = []
    store.say = said.append
    (SHOWS | CHANGES)[use](store, settings_of(store))
    if use == "cache":
        fact = "is no directory, so nothing in it is used; the next build or doit fsck moves it"
        place = "objects/sha256" if part == "objects" else part
        counted = part not in ("incoming", "running", "locks", "tmp")
        assert said == ([f"checkout/cache/{place}: {fact}"] if counted else [])
        return
    assert not (store.root / part).is_symlink()
    assert sum(line.endswith(f"{part}: is no directory, so it was put aside") for line in said) == 1


@pytest.mark.parametrize("use", [*SHOWS, *CHANGES])
@pytest.mark.parametrize("part", NAMES)
def test_nothing_under_a_name_of_a_directory_is_followed(store: Store, elsewhere: Path, part: str, use: str) -> None:
    """A name that the store knows, and one that it does not."""
    before = outside.state(elsewhere)
    for kind, put in outside.KINDS.items():
        store = Store(store.root.with_name(f"cache of {kind}"), store.say)
        (store.root / part).mkdir(parents=True)
        for name in (NAMES[part], "odd name *"):
            put(store.root / part / name, elsewhere)
        require_unfollowed(store, use, elsewhere, before, kind)
        odd = os.path.lexists(store.root / part / "odd name *")
        assert odd == (use != "fsck"), "what the store does not know is removed by fsck only"


@pytest.mark.parametrize("use", ["cache", "gc", "gc --source", "fsck", "a build begins"])
@pytest.mark.parametrize("where", ["elsewhere", "/", "relative", "../..", ""])
def test_an_output_directory_is_named_by_its_own_file(store: Store, elsewhere: Path, where: str, use: str) -> None:
    """Who has no name for a directory, such as git, names none."""
    before = outside.state(elsewhere)
    (store.root / "outputs").mkdir()
    (store.root / "outputs" / ("0" * 32)).write_text(str(elsewhere) if where == "elsewhere" else where)
    (SHOWS | CHANGES)[use](store, settings_of(store))
    assert outside.state(elsewhere) == before
    assert [path for path in store.outputs() if path != settings_of(store).output] == []


ODD = ("*", "?", "[0-9]*", "**", "..", "-1-1-1", "1-1-1-", "1-1-1-*", "1-1-1-a b", "1-1-1-\n", "x", "1-1-x")


@pytest.mark.parametrize("name", [name for name in ODD if name != ".."])
def test_a_name_is_no_pattern(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The name of a killed builder names its control group. With a pattern it would be those of all builders."""
    groups = tmp_path / "groups"
    monkeypatch.setattr(limits, "_ROOT", groups)
    others = [groups / "own" / f"debate-{files.workspace_name('step')}", groups / "debate-1-2-3-step"]
    for path in others:
        path.mkdir(parents=True)
    for directory in (store.root / "tmp" / name, store.root / "tmp" / "1-1-1-verify" / "checkout/cache/tmp" / name):
        directory.mkdir(parents=True)
        (directory / "lock").touch()
    (store.root / "tmp" / "1-1-1-verify" / "lock").touch()
    assert list(store.abandoned()) == ["1-1-1-verify"]
    assert (store.root / "tmp" / name).exists()
    limits.clean_up(name)
    assert all(path.exists() for path in others)


def test_who_lives_is_not_abandoned(store: Store, tmp_path: Path) -> None:
    """Not even where a workspace of a killed builder leads to it."""
    alive = files.workspace_name("step")
    inner = store.root / "tmp" / "1-1-1-verify" / "checkout" / "cache"
    inner.mkdir(parents=True)
    (store.root / "tmp" / "1-1-1-verify" / "lock").touch()
    (tmp_path / "theirs" / "1-1-1-step").mkdir(parents=True)
    (inner / "tmp").symlink_to(tmp_path / "theirs")
    other = store.root / "tmp" / "1-1-2-verify"
    (other / "checkout" / "cache" / "tmp" / alive).mkdir(parents=True)
    (other / "checkout" / "cache" / "tmp" / "1-1-3-step").mkdir()
    (other / "lock").touch()
    assert sorted(store.abandoned()) == ["1-1-1-verify", "1-1-2-verify", "1-1-3-step"]
    assert (tmp_path / "theirs" / "1-1-1-step").exists()
