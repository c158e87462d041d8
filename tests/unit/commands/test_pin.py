"""`doit pin`: the locks of a profile and of its bases, beside the profiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from debate.commands.command import Answer
from debate.commands.pin import run
from debate.commands.validate import run as validate
from debate.profile import profile_names
from debate.steps.work import ProfileBuild
from tests.conftest import write_files
from tests.unit.commands.conftest import context_of
from tests.unit.steps.fake import build, opened

CHAIN = {
    "low.yaml": "version: 1\n",
    "middle.yaml": "version: 1\nbase: low\npackages: [vim]\n",
    "top.yaml": "version: 1\nbase: middle\npackages: [less]\n",
}


NAMES = ("low", "middle", "top")


def pin(made: ProfileBuild) -> Answer:
    return run(context_of(made.settings), made.name)


def locks(profiles: Path) -> list[str]:
    return sorted(path.name for path in profiles.glob("*.lock.json"))


def test_the_whole_chain_is_pinned(profiles: Path) -> None:
    """A colleague who has nothing but the commit gets the same packages, and `validate` has nothing to say."""
    write_files(profiles, CHAIN)
    made, _ = build(profiles.parent, "top")
    answer = pin(made)
    assert locks(profiles) == ["low.lock.json", "middle.lock.json", "top.lock.json"]
    assert [one["profile"] for one in answer.data] == ["low", "middle", "top"]
    files = " ".join(f"profiles/{name}.lock.json" for name in NAMES)
    assert answer.text.splitlines()[-1] == f"next: git add {files} and commit"
    assert validate(context_of(made.settings), []).good
    elsewhere, builder = build(profiles.parent, "top", DEBATE_OUTPUT=str(profiles.parent / "elsewhere"))
    assert "lock" not in {step.name for step in builder.ran}
    assert all(elsewhere.of(name).load("lock") == made.of(name).load("lock") for name in NAMES)
    again = pin(made)
    assert [one["state"] for one in again.data] == ["there already"] * 3
    assert "chooses newer versions" in again.text


@pytest.mark.parametrize("loose", [["low"], ["middle"], ["low", "middle"]])
def test_a_base_that_is_not_pinned(profiles: Path, loose: list[str]) -> None:
    """What `pin` does not leave, and `cp` does."""
    write_files(profiles, CHAIN)
    made, _ = build(profiles.parent, "top")
    pin(made)
    for name in loose:
        (profiles / f"{name}.lock.json").unlink()
    [problem] = validate(context_of(made.settings), ["top"]).problems
    assert str(problem).startswith("profiles/top.yaml:2:7: base: top has a committed lock and ")
    assert all(name in problem.fact for name in loose)
    assert problem.remedy == "doit pin:top pins them all"
    pin(made)
    assert validate(context_of(made.settings), []).good


def test_a_shipped_base(profiles: Path) -> None:
    """Its lock is the workspace's, and is refreshed like any other."""
    (profiles / "web.yaml").write_text("version: 1\nextends: debate/minimal\nbase: debate/minimal\npackages: [vim]\n")
    made, _ = build(profiles.parent, "web")
    pin(made)
    assert locks(profiles) == ["debate@minimal.lock.json", "web.lock.json"]
    assert validate(context_of(made.settings), []).good
    below, builder = opened(profiles.parent, "debate/minimal")
    assert "pinned" in below.make("lock")["note"]
    assert not builder.ran
    assert "nothing changed" in replace(below, refresh=True).make("lock")["note"]


def test_a_lock_of_no_shipped_profile(profiles: Path) -> None:
    (profiles / "debate@nothing.lock.json").write_text("{}")
    assert profile_names.unread(profiles) == {
        "debate@nothing.lock.json": ("is the lock of no profile to build", "rename it as its profile, or remove it")
    }
