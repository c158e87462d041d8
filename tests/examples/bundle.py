"""Kernel, initramfs and layers in one file system, for whoever boots them in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.images.iso import layers
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: output tree, an ISO 9660 file system without boot images."""
    from debate.model import Command, Step

    files = work.outputs("initrd")
    for number, (name, layer) in enumerate(layers(work.record("rootfs"), work.record("overlay"))):
        files[f"{number}-{name}.squashfs"] = layer
    step = Step(
        name="bundle",
        commands=(Command("iso.sh", stdout="tree"),),
        outputs=("tree",),
        epoch=work.record("hash")["epoch"],
        parameters={"options": b"-rational-rock\0-volid\0BUNDLE\0"},
        inputs={f"iso/{name}": file for name, file in files.items()},
        tools=work.tools,
    )
    return work.finish(step)


RULE = Rule(
    name="bundle",
    doc="put the files that boot into one",
    make=make,
    needs=("hash", "rootfs", "overlay", "initrd"),
    tools=True,
    rights=("data",),
    outputs=("tree",),
    has_shell=True,
)
