"""What makes a lock fail is shown at its place in the profile, or at a mirror's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.errors import Complaint, StepError
from debate.model import Artifact, Step, Supplies
from debate.settings import load
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import MIRRORS, FakeBuilder


@dataclass(frozen=True)
class RefusingBuilder(FakeBuilder):
    """The resolver fails: its log has ``said``, its scripts complained of ``complaints``."""

    said: str = ""
    complaints: tuple[Complaint, ...] = ()

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        if step.name != "lock":
            return super().run(step, supplies, log)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(self.said)
        raise StepError("" if self.complaints else "lock: failed", complaints=self.complaints, log=str(log))


SAID = (
    "E: Unable to locate package curll\nerror: target not found: curll\nE: The repository 'x' is not signed.\n"
    "E: Failed to fetch http://m.example/x  Could not connect\n"
)


@pytest.mark.parametrize(
    ("complaint", "problem"),
    [
        (Complaint("packages", "curll", "none", "did you mean curl?"),
         "profiles/x.yaml:3:17: packages: none; did you mean curl?"),
        (Complaint("packages", "live-boot", "none"), "profiles/x.yaml:3:11: packages: none"),  # added to it
        (Complaint("", "http://m.example/x", "Could not connect", "wait"),
         "http://m.example/x: Could not connect; wait"),
        (None, "lock: failed"),
    ],
)  # fmt: skip
def test_a_refused_lock(profiles: Path, complaint: Complaint | None, problem: str) -> None:
    """The log is only kept, whatever it says."""
    (profiles / "x.yaml").write_text("version: 1\ndistribution: debian\npackages: [vim, curll]\n")
    (profiles.parent / "sandbox").symlink_to(ROOT / "sandbox")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    complaints = (complaint,) if complaint else ()
    builder = RefusingBuilder(settings, Store(settings.cache), said=SAID, complaints=complaints)
    made = ProfileBuild(settings, "x", builder)
    made.of(HOST).make("sandbox")
    made.make("config")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    assert [str(each) for each in caught.value.problems] == [problem]
    assert caught.value.log
