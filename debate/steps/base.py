"""The sandbox base: the system with the tools of all steps, made once with a bootstrapper of the host."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from debate import distributions, managers
from debate.errors import DebateError
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.model import Artifact, Supplies
    from debate.settings import Settings
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: outputs base and packages, and the distribution of the base."""
    name = distributions.base(work.settings.base)
    manager = managers.get(name)
    packages = (work.settings.scripts / name / "base.packages").read_bytes()

    def supply() -> Supplies:
        program = distributions.BOOTSTRAPPERS[name]
        if shutil.which(program) is None:
            raise DebateError(
                f"{program}, which makes the sandbox base, is not installed", "run ./setup", place="sandbox"
            )
        return manager.base_supplies(work.settings)

    return work.finish(manager.base_step(packages), supply, distribution=name)


def base_for(work: Work, distribution: str) -> Artifact:
    """The sandbox base. Raises DebateError if it lacks the tools for ``distribution``."""
    name = work.base_record()["distribution"]
    if name not in distributions.get(distribution).BASES:
        program = distributions.BOOTSTRAPPERS[distribution]
        raise DebateError(
            f"it is made of {name}'s packages and lacks the tools for {distribution}, so it cannot build profiles of "
            f"{distribution}",
            f"install {program} and set DEBATE_BASE={distribution}",
            place="sandbox",
        )
    return work.base


def _base(settings: Settings, _: str) -> str:
    return distributions.base(settings.base)


RULE = Rule(
    name="sandbox",
    doc="make the environment in which steps run",
    make=make,
    rights=("base",),
    outputs=("base", "packages"),
    profile=False,
    state=_base,
)
