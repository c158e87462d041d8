"""Kernel and initramfs, made in a root directory with only those locked packages that an initramfs may contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from debate import managers
from debate.deferred import frozen
from debate.steps.download import supplier
from debate.steps.rule import Rule
from debate.steps.tools import tools_for

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.steps.choices import Choices
    from debate.steps.work import Work


@frozen
class Slice:
    """The generator of the initramfs, and its system."""

    distribution: str
    release: str
    architecture: str
    generator: str

    @classmethod
    def of(cls, choices: Choices) -> Self:
        return cls(**choices.system, generator=choices.data["initrd"]["generator"])


def make(work: Work) -> Report:
    """Record: outputs kernel and initrd."""
    from debate.steps.work import epoch_of

    values, read = work.slice(Slice), work.record("packages")
    needed = set(read["initrd"])
    packages = [package for package in work.locked() if package.sha256 in needed]
    manager, tools = managers.get(values.distribution), tools_for(work, values.distribution)
    step = manager.initrd_step(packages, read["kernel"], values.generator, tools, epoch_of(values))
    return work.finish(step, supplier(work, packages))


RULE = Rule(
    name="initrd",
    doc="make kernel and initramfs",
    make=make,
    slice=Slice,
    slices=("lock",),
    needs=("lock", "packages", "mirrors"),
    tools=True,
    rights=("bootstrap", "data", "fetch"),
    outputs=("kernel", "initrd"),
    has_shell=True,
)
