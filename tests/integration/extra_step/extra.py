"""A step of a test's own: which packages the system of a profile has, below a heading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from debate.model import Command, Step
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.steps.choices import Choices
    from debate.steps.work import Work


@dataclass(frozen=True)
class Slice:
    """What the report is called."""

    hostname: str

    @classmethod
    def of(cls, choices: Choices) -> Self:
        return cls(hostname=choices.data["hostname"])


def make(work: Work) -> Report:
    """Record: output report."""
    values = work.slice(Slice)
    step = Step(
        name="extra",
        commands=(Command("extra.sh"),),
        outputs=("report",),
        epoch=0,
        parameters={"heading": f"{values.hostname} has:\n".encode()},
        inputs={"packages": work.outputs("rootfs")["packages"]},
        tools=work.tools,
    )
    return work.finish(step)


RULE = Rule(
    name="extra",
    doc="write a report on the packages",
    make=make,
    slice=Slice,
    needs=("rootfs",),
    tools=True,
    rights=("data",),
    outputs=("report",),
    has_shell=True,
)
