"""The tools tree: the system with the tools of all steps, made once with a bootstrapper of the host."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from debate import distributions, install, managers
from debate.errors import DebateError
from debate.steps import installed
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.model import Artifact, Supplies
    from debate.settings import Settings
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: outputs tools and packages, and the distribution of the tools tree."""
    name = distributions.for_tools(work.settings.base)
    manager = managers.get(name)
    packages = (work.settings.scripts / name / "tools.packages").read_bytes()

    def supply() -> Supplies:
        program = distributions.BOOTSTRAPPERS[name]
        if shutil.which(program) is None:
            raise DebateError(
                f"{program}, which makes the tools tree, is not installed", install(program), place="sandbox"
            )
        return manager.tools_supplies(work.settings)

    def check(outputs: Mapping[str, Artifact]) -> None:
        installed.tools(work.store, outputs["packages"])

    return work.finish(manager.tools_step(packages), supply, check, distribution=name)


def tools_for(work: Work, distribution: str) -> Artifact:
    """The tools tree. Raises DebateError if it lacks the tools for ``distribution``."""
    name = work.tools_record()["distribution"]
    if name not in distributions.get(distribution).TOOLS_FROM:
        program = distributions.BOOTSTRAPPERS[distribution]
        raise DebateError(
            f"it is made of {name}'s packages and lacks the tools for {distribution}, so it cannot build profiles of "
            f"{distribution}",
            f"install {program} and set DEBATE_BASE={distribution}",
            place="sandbox",
        )
    return work.tools


def _distribution(settings: Settings, _: str) -> str:
    return distributions.for_tools(settings.base)


RULE = Rule(
    name="sandbox",
    doc="make the environment in which steps run",
    make=make,
    rights=("tools", "data"),
    outputs=("tools", "packages"),
    profile=False,
    state=_distribution,
)
