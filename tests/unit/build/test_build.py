"""Keys: everything that a sandbox shows a step is in them, and nothing of where things lie."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.entry import Entry
from debate.errors import DebateError
from debate.model import Artifact, Command, Result, Step, Supplies
from debate.settings import Limits, Settings
from tests.conftest import ROOT

STEP = Step(
    name="x",
    commands=(Command("debian/lock.sh"),),
    outputs=("layer",),
    epoch=5,
    parameters={"p": b"1"},
    trees={"t": (Entry("/a", "file", digest="sha256:1"),)},
    inputs={"i": Artifact("sha256:1", 1)},
    layers=(Artifact("sha256:1", 1), Artifact("sha256:2", 1)),
    tools=Artifact("sha256:b", 1),
)


def key(step: Step, root: Path = ROOT, **settings: Any) -> str:
    made = Settings(root=root, cache=Path("/c"), output=Path("/o"), scripts=root / "sandbox", **settings)
    return keys.key(Builder(made, Store(Path("/c"))).ingredients(step))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "y"},
        {"commands": (Command("debian/initrd.sh"),)},
        {"commands": (Command("debian/lock.sh", root="system"),)},
        {"commands": (Command("debian/lock.sh", rights="system"),)},
        {"outputs": ("layer", "more")},
        {"epoch": 6},
        {"parameters": {"p": b"2"}},
        {"parameters": {"q": b"1"}},
        {"trees": {"t": (Entry("/a", "file", mode="0600", digest="sha256:1"),)}},
        {"inputs": {"i": Artifact("sha256:2", 1)}},
        {"inputs": {"j": Artifact("sha256:1", 1)}},
        {"layers": STEP.layers[::-1]},
        {"tools": Artifact("sha256:c", 1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_counts(change: dict[str, Any]) -> None:
    assert key(dataclasses.replace(STEP, **change)) != key(STEP)


def test_what_does_not_count(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    assert key(STEP, tmp_path) == key(STEP)
    assert key(STEP, uid_base=655360, jobs=9, scratch="disk", limits=Limits(memory=1)) == key(STEP)


@pytest.mark.parametrize("script", ["debian/lock.sh", "debian/apt.sh"])
def test_the_script_counts_and_what_it_reads(tmp_path: Path, script: str) -> None:
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    with (tmp_path / "sandbox" / script).open("a") as file:
        file.write("# changed\n")
    assert key(STEP, tmp_path) != key(STEP)


def test_a_missing_input_is_refused_before_anything_runs(tmp_path: Path) -> None:
    made = Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build")
    with pytest.raises(DebateError, match="missing or damaged, and x needs it; run the same command again"):
        Builder(made, Store(tmp_path)).run(STEP, Supplies(), tmp_path / "log")


@pytest.mark.parametrize("extra", [(), ("more",)])
def test_the_last_result_counts_only_with_the_outputs_of_the_step(tmp_path: Path, extra: tuple[str, ...]) -> None:
    store = Store(tmp_path)
    builder = Builder(Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build"), store)
    outputs = {name: store.put(name.encode()) for name in ("layer", *extra)}
    last = Result("x", "k", {}, outputs, "local", 1.0)
    known = builder.known("x", "k", {}, ("layer",), last)
    assert (known is None) == bool(extra)
    assert (store.lookup("k") is None) == bool(extra), "it is not remembered either"


@pytest.mark.parametrize("name", ["p", "t", "i"])
def test_supplies_replace_nothing_that_is_in_the_key(tmp_path: Path, name: str) -> None:
    """A parameter, a tree and an input."""
    made = Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build")
    with pytest.raises(ValueError, match=rf"^x: /run/in would have two files of the name {name}$"):
        Builder(made, Store(tmp_path)).run(STEP, Supplies(files={name: b"other", "q": b""}), tmp_path / "log")


def test_two_files_of_a_step_have_two_names(tmp_path: Path) -> None:
    made = Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build")
    step = dataclasses.replace(STEP, parameters={"i": b"1"})
    with pytest.raises(ValueError, match=r"of the name i$"):
        Builder(made, Store(tmp_path)).run(step, Supplies(), tmp_path / "log")


@pytest.mark.parametrize("source", ["here", "oci://r.example/x"])
def test_a_result_that_is_refused_is_made_again(tmp_path: Path, source: str) -> None:
    """Or every build fails because of what a remote stated, or what was stored before the check was there."""
    said: list[str] = []
    store = Store(tmp_path)
    builder = Builder(Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build"), store, said.append)
    bad, good = store.put(b"bad"), store.put(b"good")
    store.record(keys.key({"a": 1}), "x", {"layer": bad}, 1.0, source)

    def check(outputs: Mapping[str, Artifact]) -> None:
        if outputs["layer"] != good:
            raise DebateError("malformed", place="packages")

    def make() -> Mapping[str, Artifact]:
        return {"layer": good}

    made = builder.obtain("x", {"a": 1}, ("layer",), make, check=check)
    assert (made.source, made.outputs) == ("built", {"layer": good})
    assert len(said) == 1
    assert f"x: its result on the word of {source} is refused" in said[0]
    assert f"packages: malformed; doit gc --source {source} removes" in said[0]
    again = builder.obtain("x", {"a": 1}, ("layer",), make, check=check)
    assert (again.source, again.origin) == ("local", "here")
