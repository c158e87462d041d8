"""Boot images: GRUB for BIOS and UEFI, which finds the ISO and reads its menu.

Sources: grub-mkimage(1), GRUB's manual (search), UEFI specification 2.10, 3.5.1.1 (EFI/BOOT/BOOTX64.EFI).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from debate import keys
from debate.deferred import frozen
from debate.machines import machine
from debate.steps.rule import Rule
from debate.text.grub import quote

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.model import Artifact, Step
    from debate.steps.choices import Choices
    from debate.steps.work import Work


@frozen
class Slice:
    """The configuration of the boot images."""

    label: str
    """The ISO's volume label, by which GRUB finds it."""
    firmware: tuple[str, ...]
    architecture: str

    @classmethod
    def of(cls, choices: Choices) -> Self:
        return cls(
            label=choices.label,
            firmware=tuple(sorted(set(choices.data["boot"]["firmware"]))),
            architecture=choices.data["architecture"],
        )


def make(work: Work) -> Report:
    """Record: outputs bios and mbr, efi, depending on the profile's firmware."""
    return work.finish(step(work.slice(Slice), work.tools))


def step(boot: Slice, tools: Artifact) -> Step:
    """Outputs: bios and mbr, efi."""
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines

    machine_ = machine(boot.architecture)
    outputs = []
    if "bios" in boot.firmware:
        outputs += ["bios", "mbr"]
    if "uefi" in boot.firmware:
        outputs += ["efi"]
    volume = hashlib.sha256(keys.canonical(boot.label)).hexdigest()[:8]
    return Step(
        name="boot",
        commands=(Command("boot.sh"),),
        outputs=tuple(outputs),
        epoch=keys.epoch(keys.key({"label": boot.label, "firmware": list(boot.firmware)})),
        parameters={
            "firmware": as_lines(f"{firmware} {machine_.grub[firmware]}" for firmware in boot.firmware),
            "removable": machine_.removable.encode(),
            "early.cfg": _early(boot.label).encode(),
            "volume": volume.encode(),
        },
        tools=tools,
    )


def _early(label: str) -> str:
    """The configuration embedded in the boot images: find the ISO on any drive, and load its menu."""
    return (
        f"search --no-floppy --set=root --label {quote(label)}\n"
        "set prefix=($root)/boot/grub\n"
        "configfile ($root)/boot/grub/grub.cfg\n"
    )


RULE = Rule(
    name="boot",
    doc="make boot images",
    make=make,
    slice=Slice,
    tools=True,
    rights=("data",),
    outputs=("bios", "mbr", "efi"),
    has_shell=True,
)
