"""What a build leaves and says: images of all kinds, with a checksum each, and files that describe them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from debate import PACKAGE, keys
from debate.artifact import Artifact
from debate.cache.store import Store
from debate.errors import DebateError
from debate.graph.tasks import Graph
from debate.host.locks import held
from debate.host.stamp import stamp
from debate.images import manifest, results
from debate.images.kinds import ISO, KINDS, Kind
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.bounded import bounded
from tests.conftest import ROOT
from tests.foreign import NOT_FILES, SECRET
from tests.unit.steps.fake import build

LAYER = Kind("rootfs", "layer", ".squashfs")
"""A row for what a rule makes that `build` needs in any case."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileBuild:
    """The profile `minimal`, ready for its results."""
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    monkeypatch.chdir(tmp_path)
    return build(tmp_path, "minimal")[0]


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (results, manifest):
        monkeypatch.setattr(module, "KINDS", (ISO, LAYER))


def results_of(made: ProfileBuild) -> set[str]:
    return {path.name for path in made.directory.iterdir() if path.name.startswith("minimal-")}


def test_what_was_made(made: ProfileBuild) -> None:
    (said,) = made.make("build")["made"]
    iso = Path(said["file"])
    assert iso.parts == ("build", "minimal", "minimal-amd64.iso")
    assert (said["size"], said["digest"]) == (iso.stat().st_size, keys.sha256(iso.read_bytes()))
    assert said["file"] in said["what"]
    assert said["digest"] in said["what"]
    assert said["next"] == "doit check:minimal, which boots it in QEMU"


def test_the_record_of_a_build(made: ProfileBuild) -> None:
    assert len(KINDS) == 1, "another kind adds its key to both"
    digest = made.make("build")["made"][0]["digest"]
    record = made.load("build")
    assert record.keys() == {"iso", "digest", "files"}
    assert (record["iso"], record["digest"]) == ("minimal-amd64.iso", digest)
    assert record["files"].keys() == {"manifest.json", *results_of(made)}
    facts = made.load("manifest")
    assert facts["iso"] == {"digest": digest, "size": record["files"]["minimal-amd64.iso"][0]}
    assert list(facts) == [
        "architecture", "archives", "certificate", "config", "debate", "description", "distribution", "epoch", "format",
        "initrd", "iso", "kernel", "layers", "lock", "name", "packages", "release", "sandbox", "unpacked",
    ]  # fmt: skip


def test_what_the_boot_loader_is_made_of_is_described(made: ProfileBuild) -> None:
    """It is on the ISO, and not installed."""
    made.make("build")
    facts, sbom = made.load("manifest"), json.loads((made.directory / "minimal-amd64.cdx.json").read_text())
    names = ["grub-efi-amd64-signed", "shim-signed"]
    assert [package["name"] for package in facts["unpacked"]] == names
    assert not {package["name"] for package in facts["packages"]} & {*names}
    assert [part["name"] for part in sbom["components"]][-2:] == names
    assert facts["unpacked"][0]["sha256"] == made.load("lock")["unpacked"][0]["sha256"]


def test_another_version_of_debate_is_in_the_manifest(made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where debate's code is all that changed, doit runs `build` again."""
    made.make("build")
    before, record = made.load("manifest"), made.load("build")
    monkeypatch.setattr(manifest, "__version__", "9.9")
    made.make("build")
    assert made.load("manifest") == before | {"debate": "9.9"}
    assert made.load("build") != record, "what depends on the results, such as push, notices"
    task = Graph(made.settings.root).step(rules()["build"], "minimal")
    code = stamp(PACKAGE, made.settings.scripts)
    assert any(getattr(item, "config", "").startswith(code) for item in task["uptodate"])


@pytest.mark.usefixtures("two_kinds")
def test_another_kind(made: ProfileBuild) -> None:
    said = made.make("build")["made"]
    assert [Path(one["file"]).name for one in said] == ["minimal-amd64.iso", "minimal-amd64.squashfs"]
    assert [bool(one["next"]) for one in said] == [True, False]
    record, facts = made.load("build"), json.loads((made.directory / "manifest.json").read_text())
    assert record["digest"] == facts["iso"]["digest"] == said[0]["digest"]
    assert facts["rootfs"]["digest"] == said[1]["digest"]
    for kind in (ISO, LAYER):
        name = record[kind.rule]
        checked = ["sha256sum", "-c", f"{name}.sha256"]
        assert subprocess.run(checked, cwd=made.directory, capture_output=True, text=True).stdout == f"{name}: OK\n"
        assert {name, f"{name}.sha256"} <= record["files"].keys()
    assert results.present(made.directory)


def change(path: Path) -> None:
    path.write_bytes(b"changed")


@pytest.mark.usefixtures("two_kinds")
@pytest.mark.parametrize("spoil", [change, Path.unlink, os.utime], ids=["content", "gone", "time"])
@pytest.mark.parametrize("suffix", [ISO.suffix, LAYER.suffix])
def test_an_image_is_copied_only_where_it_is_not_as_it_was_written(
    made: ProfileBuild, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], suffix: str
) -> None:
    copied: list[str] = []
    copy = results.copy

    def noted(store: Store, image: Artifact, target: Path) -> None:
        copied.append(target.name)
        copy(store, image, target)

    made.make("build")
    monkeypatch.setattr(results, "copy", noted)
    made.make("build")
    assert copied == []
    spoil(made.directory / f"minimal-amd64{suffix}")
    assert not results.present(made.directory)
    made.make("build")
    assert copied == [f"minimal-amd64{suffix}"]
    assert results.present(made.directory)


def test_a_kind_that_is_gone_leaves_no_files(made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        for module in (results, manifest):
            patched.setattr(module, "KINDS", (ISO, LAYER))
        made.make("build")
        both = results_of(made)
    made.make("build")
    assert both - results_of(made) == {"minimal-amd64.squashfs", "minimal-amd64.squashfs.sha256"}


@pytest.mark.usefixtures("two_kinds")
def test_the_names_of_all_results(made: ProfileBuild) -> None:
    made.make("build")
    assert results.names("minimal", "amd64") == made.load("build")["files"].keys()


NOT_RESULTS = (
    "../victim", "{root}/victim", "minimal-amd64.iso/../../victim", "minimal-amd64/../../victim", ".", "..", "",
    "rootfs.json", "build.json", "traces/iso.json", "minimal.iso", "minimal-amd64", "minimal-amd64.iso\n",
    "other-amd64.iso", "minimal-amd64.i\0so",
)  # fmt: skip
"""Names that no build of `minimal` gives a file."""


@pytest.mark.parametrize("use", ["build", "clean"])
def test_a_record_that_names_other_files_removes_nothing(made: ProfileBuild, use: str) -> None:
    made.make("build")
    outside = made.directory.parent / "victim"
    outside.write_bytes(b"victim")
    whole = made.load("build")
    before = {path for path in made.directory.parent.rglob("*") if path.is_file()}
    for name in NOT_RESULTS:
        other = {name.format(root=outside.parent.resolve()): [6, outside.stat().st_mtime_ns]}
        made.records.save("build", {**whole, "files": whole["files"] | other})
        assert not results.present(made.directory), name
        if use == "build":
            made.make("build")
            assert results.present(made.directory)
        else:
            results.remove(made.directory)
        assert {path for path in made.directory.parent.rglob("*") if path.is_file()} == before, name


def test_an_architecture_that_is_none_makes_no_name(made: ProfileBuild) -> None:
    lock = made.load("lock")
    for architecture in ("../../victim", "/victim", "", "sparc", "amd64\n"):
        made.records.save("lock", {**lock, "architecture": architecture})
        before = set(made.directory.parent.rglob("*"))
        with pytest.raises(DebateError, match="not supported"):
            made.make("build")
        assert set(made.directory.parent.rglob("*")) == before | {made.directory / ".lock"}


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_a_result_that_is_something_else_is_made_again(made: ProfileBuild, make: Callable[[Path], None]) -> None:
    """Git can carry links, also below build/."""
    made.make("build")
    path = made.directory / "minimal-amd64.packages"
    whole, secret = path.read_bytes(), path.parent.parent / "secret"
    secret.write_text(SECRET)
    path.unlink()
    make(path)
    with bounded():
        assert not results.present(made.directory)
        if not path.is_dir() or path.is_symlink():
            made.make("build")
            assert results.present(made.directory)
            assert path.read_bytes() == whole
            assert not path.is_symlink()
    assert secret.read_text() == SECRET


def test_builders_with_different_stores_take_turns(made: ProfileBuild, tmp_path: Path) -> None:
    """Or build.json of one would describe the files of the other. Who waits says for whom."""
    other = tmp_path / "other"
    shutil.copytree(made.store.root, other)
    said: SimpleQueue[str] = SimpleQueue()
    theirs = replace(made, builder=replace(made.builder, store=Store(other), say=said.put))
    lock = made.directory / ".lock"
    with ThreadPoolExecutor() as pool:
        with held(lock, said.put):
            waiting = pool.submit(theirs.make, "build")
            assert said.get() == f"minimal: process {os.getpid()} is writing to build/minimal; waiting"
            assert not results_of(made)
            assert stat.S_IMODE(lock.stat().st_mode) == 0o600
        waiting.result()
    assert results.present(made.directory)
    assert said.empty()


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_whatever_is_in_the_place_of_the_lock(made: ProfileBuild, make: Callable[[Path], None]) -> None:
    make(made.directory / ".lock")
    with bounded():
        made.make("build")
    assert results.present(made.directory)
