"""The layer with the packages, installed from scratch or on the layers of the base profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from debate import managers
from debate.deferred import frozen
from debate.managers.interface import Target
from debate.steps import lock
from debate.steps.download import supplier
from debate.steps.installed import installed
from debate.steps.listed import for_people, telling
from debate.steps.rule import Rule
from debate.steps.tools import tools_for

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.model import Artifact
    from debate.steps.choices import Choices
    from debate.steps.work import Work

_REMARKS = for_people("remark", "rootfs", 1 << 18)


@frozen
class Slice(Target):
    """How the packages are installed and packed."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        exclude = tuple(sorted(set(choices.data["image"]["exclude"])))
        choices.tell_of_messages(exclude, "image.exclude")
        return cls(**choices.system, exclude=exclude, mksquashfs=choices.mksquashfs)


def make(work: Work) -> Report:
    """Record: outputs layer, packages (the installed ones) and remarks; ``below``, the layers below, lowest first."""
    from debate.steps.work import epoch_of, layers_of, shipped

    told: list[str] = []

    def check(outputs: Mapping[str, Artifact]) -> None:
        installed(work.store, outputs["packages"], work.locked())
        told[:] = [match[0] for match in _REMARKS.read(work.store, outputs["remarks"])]

    target = work.slice(Slice)
    index, kernel = work.outputs("packages")["index"], work.record("packages")["kernel"]
    tools = tools_for(work, target.distribution)
    below = work.below(work.slice(lock.Slice, "lock").base)
    manager, epoch = managers.get(target.distribution), work.epoch(epoch_of(target))
    added, layers = work.locked(), []
    if below is None:
        step = manager.rootfs_step(added, index, kernel, target, tools, epoch)
    else:
        added, layers = shipped(added, below.locked()), layers_of(below.record("rootfs"))
        order = manager.order_step(added, index, below.outputs("packages")["index"], target.release, tools)
        plan = work.realise(order).outputs["plan"] if order else None
        step = manager.added_step(added, index, plan, kernel, target, layers, tools, epoch)
    report = work.finish(step, supplier(work, added), check, below=[asdict(layer) for layer in layers])
    return telling(report, "remark", told)


RULE = Rule(
    name="rootfs",
    doc="install packages: the lower layer",
    make=make,
    slice=Slice,
    slices=("lock", "epoch"),
    needs=("lock", "packages", "mirrors", "epoch"),
    below=("lock", "packages", "rootfs"),
    tools=True,
    rights=("bootstrap", "system", "data", "fetch"),
    outputs=("layer", "packages", "remarks"),
    has_shell=True,
)
