"""What xorriso is told, word for word."""

from __future__ import annotations

import pytest

from debate.images import iso
from debate.live.interface import Live
from debate.model import Artifact

BIOS = [
    "-b", "boot/grub/bios.img", "-c", "boot/grub/boot.cat", "-no-emul-boot",
    "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "--grub2-mbr", "/run/in/mbr",
]  # fmt: skip
UEFI = [
    "-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "/run/in/efi", "-appended_part_as_gpt",
]  # fmt: skip
UEFI_IMAGE = ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
COMMON = [
    "-iso-level", "3", "-rational-rock", "-joliet", "-volid", "L", "-publisher", "P", "-appid", "Live system",
    "-preparer", "debate", "-partition_offset", "16",
]  # fmt: skip


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (("bios", "mbr"), [*COMMON, *BIOS]),
        (("efi",), [*COMMON, *UEFI, *UEFI_IMAGE]),
        (("bios", "mbr", "efi"), [*COMMON, *BIOS, *UEFI, "-eltorito-alt-boot", *UEFI_IMAGE]),
    ],
)
def test_golden(images: tuple[str, ...], options: list[str]) -> None:
    artifacts = {name: Artifact(f"sha256:{name}", 1) for name in (*images, "kernel")}
    live = Live({"live/vmlinuz": artifacts.pop("kernel"), "live/list": b"x"}, "", "", ())
    slice_ = {"label": "L", "publisher": "P", "application": "Live system"}
    step = iso.step(slice_, live, "menu", artifacts, 5, Artifact("sha256:base", 1))
    assert step.parameters["options"].decode().rstrip("\0").split("\0") == options
    assert step.parameters["iso/boot/grub/grub.cfg"] == b"menu"
    assert step.parameters["iso/live/list"] == b"x"
    assert "iso/live/vmlinuz" in step.inputs
    assert step.epoch == 5
