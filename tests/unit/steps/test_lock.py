"""What makes a lock fail is shown at its place in the profile, or at the lock's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.errors import StepError
from debate.model import Artifact, Step, Supplies
from debate.settings import load
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import MIRRORS, FakeBuilder


@dataclass(frozen=True)
class RefusingBuilder(FakeBuilder):
    """The resolver fails, and says ``said``."""

    said: str = ""

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        if step.name != "lock":
            return super().run(step, supplies, log)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(self.said)
        raise StepError("lock: failed", log=str(log))


@pytest.mark.parametrize(
    ("said", "problems"),
    [
        ("E: Unable to locate package curll\ncandidate curll curl\n",
         ["profiles/x.yaml:3:17: packages: debian trixie has no package 'curll'; did you mean curl?"]),
        ("E: Unable to locate package live-boot\n",  # what the distribution adds
         ["profiles/x.yaml:3:11: packages: debian trixie has no package 'live-boot'; check the name and the release"]),
        ("E: The repository 'x' is not signed.\n",
         ["lock:x: a mirror's index is unsigned or signed by an unknown key, so it is refused"]),
        ("E: Failed to fetch http://m.example/x  Could not connect\n",
         ["http://m.example/x: Could not connect; check the network and the mirror's address"]),
        ("something else\n", ["lock: failed"]),
    ],
)  # fmt: skip
def test_a_refused_lock(profiles: Path, said: str, problems: list[str]) -> None:
    (profiles / "x.yaml").write_text("version: 1\ndistribution: debian\npackages: [vim, curll]\n")
    (profiles.parent / "sandbox").symlink_to(ROOT / "sandbox")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    made = ProfileBuild(settings, "x", RefusingBuilder(settings, Store(settings.cache), said=said))
    made.of(HOST).make("sandbox")
    made.make("config")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    assert [str(problem) for problem in caught.value.problems] == problems
    assert caught.value.log
