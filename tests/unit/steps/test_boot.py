"""What GRUB's images are made of."""

from __future__ import annotations

from debate.model import Artifact
from debate.steps import boot

TOOLS = Artifact("sha256:0", 1)


def test_golden() -> None:
    step = boot.step(boot.Slice("RESCUE", ("bios", "uefi"), "amd64"), TOOLS)
    assert step.parameters == {
        "firmware": b"bios i386-pc\nuefi x86_64-efi\n",
        "removable": b"BOOTX64.EFI",
        "early.cfg": b"search --no-floppy --set=root --label RESCUE\n"
        b"set prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n",
        "volume": b"c29cc97c",
    }
    assert [(command.script, command.rights) for command in step.commands] == [("boot.sh", "data")]
    assert step.epoch == 1259837928


def test_the_label_counts() -> None:
    one, other = boot.Slice("A", ("bios",), "amd64"), boot.Slice("B", ("bios",), "amd64")
    assert boot.step(one, TOOLS) != boot.step(other, TOOLS)


def test_outputs_follow_the_firmware() -> None:
    assert boot.step(boot.Slice("A", ("uefi",), "x86_64"), TOOLS).outputs == ("efi",)
    assert boot.step(boot.Slice("A", ("bios",), "amd64"), TOOLS).outputs == ("bios", "mbr")
