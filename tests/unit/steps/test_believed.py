"""What the host reads of what a sandbox left has a form: anything else in the cache is a miss, which one run heals."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from debate import keys
from debate.cache.store import Store
from debate.history.records import Records
from debate.model import Artifact
from debate.profile import profile_names
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import FakeBuilder, build, build_on_a_base

ELSEWHERE = "oci://r.example/x"
WRONG = {
    "words": b"some words", "line ends": b"\n" * 100, "too large": bytes(17 << 20),
}  # fmt: skip


@pytest.fixture(scope="module", params=["on a base", "arch-minimal"])
def built(request: pytest.FixtureRequest, in_memory: Path) -> tuple[ProfileBuild, set[str]]:
    """A build, and the digests of what the host read in it."""
    read: set[str] = set()
    plain = Store.read

    def noted(self: Store, artifact: Artifact, most: int, *, cut: bool = False) -> bytes:
        read.add(artifact.digest)
        return plain(self, artifact, most, cut=cut)

    root = in_memory / request.param
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "read", noted)
        if request.param == "on a base":
            made = build_on_a_base(root)
        else:
            for name in ("sandbox", "profiles"):
                shutil.copytree(ROOT / name, root / name)
            made = build(root, request.param)[0]
    return made, read


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_read_has_a_form(built: tuple[ProfileBuild, set[str]], wrong: str) -> None:
    """Of each step by itself."""
    made, read = built
    bad = made.store.put(WRONG[wrong])
    tried = set()
    for key, action in list(made.store.actions()):
        assert action is not None
        for name, output in action.outputs.items():
            if output.digest not in read or action.step in ("lock", "layer"):
                continue
            if name in ("warnings", "remarks", "lacks") and wrong == "words":
                continue  # They are for people alone, so any words will do.
            tried.add((action.step, name))
            made.store.record(key, action.step, {**action.outputs, name: bad}, 1, ELSEWHERE)
            if action.step in ("inspect", "select"):  # They are looked up when packages are read.
                made.store.forget([other for other, each in made.store.actions() if each and each.step == "packages"])
            said = again(made)
            healed = made.store.lookup(key)
            assert healed is not None
            assert (healed.outputs, healed.source) == (action.outputs, "here"), (action.step, name)
            assert action.step == "inspect" or any(f"the word of {ELSEWHERE} is refused" in line for line in said)
    unpacked = {("boot", "unpacked")} if made.name == "minimal" else set()
    layers = {("secrets-initrd", "found"), ("secrets-0", "found"), ("secrets", "found")}
    assert tried >= {
        *layers,
        *unpacked,
        ("rootfs", "packages"),
        ("packages", "index"),
        ("select", "selected"),
        ("inspect", "stanza"),
    }


def again(made: ProfileBuild) -> list[str]:
    """Make all rules without what their last runs remember. The records are the same. Returns what is said."""
    said: list[str] = []
    assert isinstance(made.builder, FakeBuilder)
    once = replace(made, builder=replace(made.builder, say=said.append))
    for name in (*reversed(profile_names.chain(made.settings.profiles, made.name)), made.name):
        for rule in rules().values():
            if rule.pure:
                one = once.of(name if rule.profile else HOST)
                before = record(one.records, rule.name)
                one.records.save(f"traces/{rule.name}", {})
                one.make(rule.name)
                assert record(one.records, rule.name) == before, (name, rule.name)
    return said


def record(records: Records, name: str) -> str:
    path: Path = records.directory / f"{name}.json"
    return keys.sha256(path.read_bytes()) if path.exists() else ""
