"""Git can carry a link in the place of any directory below build/ and cache/: no command follows one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from debate.build.local import LocalExecutor
from debate.cache.action import HERE
from debate.commands.cache import run as cache
from debate.commands.fsck import run as fsck
from debate.commands.gc import run as gc
from debate.commands.logic.check import check
from debate.commands.logic.publish import pull, push
from debate.commands.logic.verify import verify
from debate.errors import DebateError
from debate.host import ours
from debate.model import Step, Supplies
from debate.settings import Settings
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild, output_directories
from tests.conftest import ROOT
from tests.unit import outside
from tests.unit.commands.conftest import context_of
from tests.unit.remote.shelf import Shelf
from tests.unit.steps.fake import build_on_a_base

DOIT = str(Path(sys.executable).with_name("doit"))
DIRECTORIES = [
    *(str(path) for path in output_directories(Settings(root=Path(), cache=Path(), output=Path()), "minimal")[1:]),
    HOST, f"{HOST}/logs", f"{HOST}/logs/raw", f"{HOST}/traces",
]  # fmt: skip
"""Those of a profile and of the host, below build/."""


def sandbox(made: ProfileBuild) -> None:
    """What every sandbox does first, that of `doctor` too."""
    step = Step("doctor", (), (), 0)
    LocalExecutor(made.settings, made.store).run(step, Supplies(), made.of(HOST).work("sandbox").log(step))


COMMANDS: dict[str, Callable[[ProfileBuild, Callable[[str], None]], object]] = {
    "fsck": lambda made, say: fsck(context_of(made.settings, say), ""),
    "gc": lambda made, say: gc(context_of(made.settings, say), "", "", ""),
    "gc --source": lambda made, say: gc(context_of(made.settings, say), "", "", HERE),
    "cache": lambda made, say: cache(context_of(made.settings, say)),
    "build": lambda made, _: made.make("build"), "pull": lambda made, _: pull(made), "push": lambda made, _: push(made),
    "check": lambda made, _: check(made), "verify": lambda made, _: verify(made),
    "doctor": lambda made, _: sandbox(made),
}  # fmt: skip
REMOVE = ("fsck", "gc", "gc --source", "cache")
"""Commands that pass over what they do not follow."""
WRITES = {
    "build": "minimal", "pull": "minimal", "push": "minimal", "check": "minimal", "verify": "minimal", "doctor": HOST,
}  # fmt: skip
"""Commands that write to a directory of build/, and so refuse a link in it; `doctor` keeps only a log there."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ProfileBuild:
    """A profile on a base profile, both built."""
    root = tmp_path_factory.mktemp("links")
    with pytest.MonkeyPatch.context() as patched:
        Shelf.add(patched)
        found = build_on_a_base(root)
        found.make("build")
        found.store.announce(found.settings.output)
        # So old that nothing in it is one of what this run wrote.
        shutil.copytree(found.settings.output, root / "whole")
    return replace(found, settings=replace(found.settings, remote="shelf://5", remote_mode="read-write"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory of the host with files that have the names of records, and are none."""
    found = tmp_path / "elsewhere"
    for name in ("", "slices", "traces", "traces/read", "logs", "logs/raw", "raw", "read", "check", "verify"):
        outside.fill(found / name)
        for file in ("config.json", "rootfs.json", "doctor.log", "bios.log", "damaged.json"):
            (found / name / file).write_text("{")
    trace = {"step": "iso", "key": "0" * 64, "outputs": {}, "origin": HERE}
    for name in ("", "traces"):
        (found / name / "iso.json").write_text(json.dumps(trace))
    return outside.aged(found)


def restore(made: ProfileBuild) -> None:
    ours.remove(made.settings.output)
    shutil.copytree(made.settings.root / "whole", made.settings.output, symlinks=True)


@pytest.mark.parametrize("name", DIRECTORIES)
def test_nothing_is_followed(made: ProfileBuild, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(made.settings.root)
    path = made.settings.output / name
    before = outside.state(elsewhere)
    for put in outside.KINDS.values():
        for command in REMOVE:
            ours.remove(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            put(path, elsewhere)
            with suppress(DebateError):
                COMMANDS[command](made, print)
            assert outside.state(elsewhere) == before, command
    restore(made)


@pytest.mark.parametrize("name", DIRECTORIES)
def test_it_is_told(made: ProfileBuild, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(made.settings.root)
    Shelf.add(monkeypatch)
    path = made.settings.output / name
    ours.remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    before = outside.state(elsewhere)
    try:
        for command, directory in WRITES.items():
            if name.startswith(directory) and name != f"{HOST}/traces":
                with pytest.raises(DebateError, match=rf"build/{name}(/\S+)?: is (a|below a) link; "):
                    COMMANDS[command](made, print)
        for command in REMOVE:
            said: list[str] = []
            with suppress(DebateError):
                COMMANDS[command](made, said.append)
            looks = {"fsck": ("slices", "traces", "read"), "gc --source": ("traces",), "cache": ("traces",)}
            if path.name in (*looks.get(command, ()), "minimal", HOST) and (command, path.name) != ("fsck", "traces"):
                assert f"build/{name}: is a link, so it is passed over; " in "\n".join(said), command
        assert outside.state(elsewhere) == before
    finally:
        restore(made)


WORDS = (
    ["clean", "config:minimal"], ["clean", "-a"], ["list"], ["list", "-s"], ["info", "hash:minimal"], ["show:minimal"],
    ["validate"], ["cache"], ["gc"], ["fsck"], ["explain:minimal"], ["diff", "minimal", "rescue"], ["forget"],
    ["config:minimal"],
)  # fmt: skip


def test_doit_follows_nothing(tmp_path: Path, elsewhere: Path) -> None:
    """All of them at once, as git may carry them. `clean` refuses, with the line."""
    checkout = tmp_path / "checkout"
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, checkout / name)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / "build").mkdir()
    (checkout / "build" / "minimal").symlink_to(elsewhere)
    (checkout / "build" / HOST).symlink_to(elsewhere)
    (checkout / "cache").mkdir()
    for name in ("objects", "compositions", "actions", "locks", "running", "outputs", "incoming", "tmp"):
        (checkout / "cache" / name).symlink_to(elsewhere)
    before, said = outside.state(elsewhere), {}
    for words in WORDS:
        done = subprocess.run([DOIT, *words], cwd=checkout, capture_output=True, text=True)
        assert outside.state(elsewhere) == before, words
        said[" ".join(words)] = done.stdout + done.stderr
        assert "Traceback" not in said[" ".join(words)]
    line = "build/minimal: is a link; remove it, and set DEBATE_OUTPUT to build elsewhere"
    assert line in said["clean config:minimal"]
    assert line in said["config:minimal"]
    assert "build/.sandbox: is a link; remove it" in said["clean -a"]
    assert "cache/outputs: is no directory, so nothing in it is used" in said["cache"]
    assert "cache/outputs: is no directory, so it was put aside" in said["gc"]
    assert "build/minimal: is a link, so it is passed over; remove it" in said["fsck"]
