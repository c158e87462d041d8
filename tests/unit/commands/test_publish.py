"""Push and pull: what comes back is what was sent, and a remote or a damaged file is refused without a traceback."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.artifact import Artifact
from debate.commands.logic.publish import pull, push
from debate.errors import DebateError
from debate.images import results
from debate.remote.statements import IMAGE, Statement, manifest, read
from debate.steps.work import ProfileBuild
from debate.text.paths import shown
from tests.conftest import ROOT
from tests.unit.remote.shelf import Shelf
from tests.unit.steps.fake import build


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf.add(monkeypatch)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileBuild:
    """The profile `minimal`, built."""
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    monkeypatch.chdir(tmp_path)
    made, _ = build(tmp_path, "minimal", DEBATE_REMOTE_MODE="read-write")
    made.make("build")
    return replace(made, settings=replace(made.settings, remote="shelf://5"))


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_there_and_back(made: ProfileBuild, shelf: Shelf) -> None:
    push(made)
    before = files(made.directory)
    for name in results.names("minimal", "amd64"):
        (made.directory / name).unlink()
    said = pull(made)["note"]
    assert files(made.directory) == before
    assert shelf.closed == 2
    assert before["minimal-amd64.iso"] in shelf.blobs.values()
    assert said.startswith("build/minimal/minimal-amd64.iso  ")
    steps = {tag.rpartition("-")[0] for tag in shelf.manifests}
    own = {"iso", "sandbox", "packages", "rootfs", "overlay", "initrd", "boot", "secrets", "network", "space"}
    assert steps == {*own, "proof", "select", "secrets-0", "secrets-initrd"}, "with what they needed on the way"


def test_an_iso_that_another_key_signed(made: ProfileBuild, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is in no config, so both have one hash."""
    push(made)
    tag = f"iso-{made.config_hash()}"
    whole = read(shelf.manifests[tag], IMAGE, made.config_hash(), "", 1 << 40)
    signed = replace(whole, facts={**whole.facts, "certificate": "sha256:0"})
    shelf.manifests[tag] = manifest(signed, {}, "")
    made.records.save("slices/boot", {**made.load("slices/boot"), "secure": "own"})
    monkeypatch.setattr("debate.steps.signing.state", lambda _: "sha256:1")
    with pytest.raises(
        DebateError, match=r"^shelf://5: its ISO of this config is signed with another key than .*; run "
    ):
        pull(made)
    monkeypatch.setattr("debate.steps.signing.state", lambda _: "sha256:0")
    pull(made)


HOSTILE = (
    "../victim", "/victim", ".hidden.iso", "minimal-amd64.iso\0.iso", "\x1b[2J.iso", "x" * 300 + ".iso", "rootfs.json",
    "build.json", "other-amd64.iso", "minimal-amd64.iso\n", "", "minimal-arm64.iso",
)  # fmt: skip
"""Names that the ISO of `minimal` has not."""


def test_files_that_a_build_does_not_have_are_refused_before_any_is_fetched(made: ProfileBuild, shelf: Shelf) -> None:
    push(made)
    tag = f"iso-{made.config_hash()}"
    whole = read(shelf.manifests[tag], IMAGE, made.config_hash(), "", 1 << 40)
    one = next(iter(whole.files.values()))
    added = [{**whole.files, name: one} for name in HOSTILE]
    removed = [{n: file for n, file in whole.files.items() if n != name} for name in whole.files]
    for name in results.names("minimal", "amd64"):
        (made.directory / name).unlink()
    before = files(made.directory.parent)
    for changed in (*added, *removed, {}):
        shelf.manifests[tag] = manifest(Statement(IMAGE, whole.subject, changed, whole.facts), {}, "")
        with pytest.raises(DebateError, match=r"^shelf://5: its ISO of this config comes with") as caught:
            pull(made)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500
        assert (shelf.pulled, files(made.directory.parent)) == ([], before)


def test_a_damaged_lock_is_a_problem_at_its_place(made: ProfileBuild, shelf: Shelf) -> None:
    push(made)
    lock = made.settings.profiles / "minimal.lock.json"
    for text in ("", "{", "[]", "{}", '{"packages": 5}', "\0"):
        lock.write_text(text)
        with pytest.raises(DebateError, match=r"; restore it from git, or delete it and build$") as caught:
            pull(made)
        (problem,) = caught.value.problems
        assert problem.place
        assert problem.place.file == shown(lock)
    assert shelf.pulled == []


def test_a_damaged_record_is_not_pushed(made: ProfileBuild, shelf: Shelf) -> None:
    facts, record = made.load("manifest"), made.load("build")
    changes: tuple[dict[str, Any], ...] = (
        {"config": None}, {"config": "../x"}, {"iso": None}, {"iso": {}}, {"iso": {"digest": "sha256:../../x"}},
    )  # fmt: skip
    path = made.directory / "manifest.json"
    for change in (*changes, *({name: ...} for name in ("config", "iso", "lock", "description"))):
        left = {name: value for name, value in (facts | change).items() if value is not ...}
        path.write_text(json.dumps(left))
        state = [path.stat().st_size, path.stat().st_mtime_ns]
        made.records.save("build", {**record, "files": record["files"] | {path.name: state}})
        with pytest.raises(DebateError, match="damaged; run doit clean build:minimal"):
            push(made)
    assert (shelf.blobs, shelf.manifests) == ({}, {})


def test_only_traces_of_steps_are_sent(made: ProfileBuild, shelf: Shelf) -> None:
    """Their keys become paths in the cache, and their steps tags in the remote."""
    artifact = made.store.put(b"data")
    action = {"outputs": {"a": vars(artifact)}, "seconds": 1}
    (made.store.root / "elsewhere.json").write_text(json.dumps(action))
    made.store.record(keys.key("other"), "x", {"a": Artifact(artifact.digest, artifact.size)}, 1)
    for number, (step, key) in enumerate(
        [("iso", "../elsewhere"), ("iso", 5), ("../x", keys.key("other")), (["iso"], keys.key("other")), ("iso", None)]
    ):
        made.records.save(f"traces/x{number}", {"step": step, "key": key})
    push(made)
    assert artifact.digest not in shelf.blobs
