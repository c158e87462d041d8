"""Keys: everything that a sandbox shows a step is in them, and nothing of where things lie."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.errors import DebateError
from debate.history.records import report_of
from debate.model import Artifact, Command, Step, Tree
from debate.settings import Limits, Settings
from debate.tree import Entry
from tests.conftest import ROOT

STEP = Step(
    name="x",
    commands=(Command("debian/lock.sh"),),
    outputs=("layer",),
    epoch=5,
    parameters={"p": b"1"},
    where={"w": b"1"},
    trees={"t": Tree((Entry("/a", "file", digest="sha256:1"),), {})},
    inputs={"i": Artifact("sha256:1", 1)},
    layers=(Artifact("sha256:1", 1), Artifact("sha256:2", 1)),
    base=Artifact("sha256:b", 1),
)


def key(step: Step, root: Path = ROOT, **settings: Any) -> str:
    made = Settings(root=root, cache=Path("/c"), output=Path("/o"), **settings)
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
        {"trees": {"t": Tree((Entry("/a", "file", mode="0600", digest="sha256:1"),), {})}},
        {"inputs": {"i": Artifact("sha256:2", 1)}},
        {"inputs": {"j": Artifact("sha256:1", 1)}},
        {"layers": STEP.layers[::-1]},
        {"base": Artifact("sha256:c", 1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_counts(change: dict[str, Any]) -> None:
    assert key(dataclasses.replace(STEP, **change)) != key(STEP)


def test_what_does_not_count(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    assert key(STEP, tmp_path) == key(STEP)
    assert key(STEP, uid_base=655360, jobs=9, scratch="disk", limits=Limits(memory=1)) == key(STEP)
    assert key(dataclasses.replace(STEP, where={"w": b"2"})) == key(STEP)
    assert key(dataclasses.replace(STEP, mirrors={"debian": "/srv"})) == key(STEP)


@pytest.mark.parametrize("script", ["debian/lock.sh", "debian/apt.sh"])
def test_the_script_counts_and_what_it_reads(tmp_path: Path, script: str) -> None:
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    with (tmp_path / "sandbox" / script).open("a") as file:
        file.write("# changed\n")
    assert key(STEP, tmp_path) != key(STEP)


def test_a_missing_input_is_refused_before_anything_runs(tmp_path: Path) -> None:
    made = Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build")
    with pytest.raises(DebateError, match="missing or damaged, and x needs it; run the same command again"):
        Builder(made, Store(tmp_path)).run(STEP, tmp_path / "log")


def pretend(monkeypatch: pytest.MonkeyPatch, builder: Builder) -> None:
    """A sandbox that writes its log and nothing else."""

    def run(*words: Any, step: str, **_: Any) -> dict[str, Artifact]:
        words[3].write_text(f"{step} ran\n")
        return {}

    monkeypatch.setattr("debate.sandbox.runner.run", run)
    monkeypatch.setattr("debate.build.builder._fill", lambda *_: None)
    monkeypatch.setattr("debate.build.builder.available_memory", lambda: 1 << 40)
    assert builder.logs == {}


def test_a_report_has_the_log_that_this_run_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none where the result was there, wherever the log lies and whatever an older run left."""
    made = Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build")
    step = Step(name="x", commands=STEP.commands, outputs=(), epoch=5)
    log, older = tmp_path / "any.log", tmp_path / "logs" / "x.log"
    older.parent.mkdir()
    older.write_text("older\n")
    first, second = Builder(made, Store(tmp_path)), Builder(made, Store(tmp_path))
    pretend(monkeypatch, first)
    assert report_of(first.realise(step, log))["log"] == str(log)
    assert log.read_text() == "x ran\n"
    for builder in (first, second):
        assert "log" not in report_of(builder.realise(step, log))


@pytest.mark.parametrize("ran", [("x",), ("other",), ("other", "x"), ("x", "other"), ()])
def test_the_log_is_of_the_step_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: tuple[str, ...]) -> None:
    """Whatever other sandboxes had to run for it."""
    builder = Builder(Settings(root=ROOT, cache=tmp_path, output=tmp_path / "build"), Store(tmp_path))
    pretend(monkeypatch, builder)
    builder.logs["x"] = "that of an earlier result of the step"

    def make() -> dict[str, Artifact]:
        for name in ran:
            builder.run(Step(name=name, commands=(), outputs=(), epoch=5), tmp_path / f"{name}.log")
        return {}

    assert builder.obtain("x", {}, (), make).log == (str(tmp_path / "x.log") if "x" in ran else "")
