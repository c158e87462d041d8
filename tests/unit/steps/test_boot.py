"""What GRUB's images are made of."""

from __future__ import annotations

from debate.model import Artifact
from debate.steps import boot

BASE = Artifact("sha256:0", 1)


def test_golden() -> None:
    step = boot.step(boot.Slice("RESCUE", ("bios", "uefi")), BASE)
    assert step.parameters == {
        "firmware": b"bios\nuefi\n",
        "early.cfg": b"search --no-floppy --set=root --label RESCUE\n"
        b"set prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n",
        "volume": b"c29cc97c",
    }
    assert [(command.script, command.rights) for command in step.commands] == [("boot.sh", "data")]
    assert step.epoch == 1259837928


def test_the_label_counts() -> None:
    assert boot.step(boot.Slice("A", ("bios",)), BASE) != boot.step(boot.Slice("B", ("bios",)), BASE)


def test_outputs_follow_the_firmware() -> None:
    assert boot.step(boot.Slice("A", ("uefi",)), BASE).outputs == ("efi",)
    assert boot.step(boot.Slice("A", ("bios",)), BASE).outputs == ("bios", "mbr")
