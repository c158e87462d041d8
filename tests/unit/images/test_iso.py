"""What xorriso is told, word for word."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from debate.errors import ProfileError
from debate.images import iso, menu, theme
from debate.live.interface import Live
from debate.model import Artifact
from debate.profile.load import load
from debate.steps import config

BIOS = [
    "-b", "boot/grub/bios.img", "-c", "boot/grub/boot.cat", "-no-emul-boot",
    "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "--grub2-mbr", "/run/in/mbr",
]  # fmt: skip
UEFI = ["-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "/run/work/esp"]
GPT, HYBRID = ["-appended_part_as_gpt"], ["-part_like_isohybrid", "-isohybrid-gpt-basdat"]
UEFI_IMAGE = ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
COMMON = [
    "-iso-level", "3", "-rational-rock", "-joliet", "-volid", "L", "-publisher", "P", "-appid", "Live system",
    "-preparer", "debate", "-partition_offset", "16",
]  # fmt: skip


SLICE = iso.Slice(
    distribution="debian",
    architecture="amd64",
    generator="initramfs-tools",
    label="L",
    partition_table="hybrid",
    publisher="P",
    application="Live system",
    title="Rescue system",
    timeout=3,
    console=("tty0", "ttyS0,115200"),
    arguments=("quiet", "x=a b"),
    entries=(
        menu.Entry("default", "Rescue system", "", "", ("console=tty0", "console=ttyS0,115200", "quiet", "x=a b")),
    ),
    default="default",
    theme=theme.Theme(theme.TEXT, "#000000", "#ffffff", "#ffffff", "#000000", "", ""),
)
INITRDS = ("/live/medium.img", "/live/initrd.img")
LIVE = Live({}, "/live/vmlinuz", INITRDS, ("boot=live",), ("set iso_arguments=x=$iso_path",))
NAME = "01234567-89ab-cdef-0123-456789abcdef"
HERE = f".disk/live-uuid-{NAME}"
SEARCH = f"search --no-floppy --set=root --hint=$root --file /{HERE}\n"
GO_ON = "set prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n"


@pytest.mark.parametrize(
    ("images", "table", "options"),
    [
        (("mbr",), "mbr", [*COMMON, *BIOS]),
        (("BOOTX64.EFI",), "gpt", [*COMMON, *UEFI, *GPT, *UEFI_IMAGE]),
        (("BOOTX64.EFI", "BOOTIA32.EFI"), "gpt", [*COMMON, *UEFI, *GPT, *UEFI_IMAGE]),
        (("BOOTX64.EFI",), "mbr", [*COMMON, *UEFI, *UEFI_IMAGE]),
        (("mbr", "BOOTX64.EFI"), "hybrid", [*COMMON, *BIOS, *UEFI, *HYBRID, "-eltorito-alt-boot", *UEFI_IMAGE]),
        (("mbr", "BOOTX64.EFI"), "gpt", [*COMMON, *BIOS, *UEFI, *GPT, "-eltorito-alt-boot", *UEFI_IMAGE]),
        (("mbr", "BOOTX64.EFI"), "mbr", [*COMMON, *BIOS, *UEFI, "-eltorito-alt-boot", *UEFI_IMAGE]),
    ],
)
def test_golden(images: tuple[str, ...], table: str, options: list[str]) -> None:
    artifacts = {name: Artifact(f"sha256:{name}", 1) for name in (*images, "kernel")}
    live = Live({"live/vmlinuz": artifacts.pop("kernel"), "live/list": b"x"}, "", (), (), ())
    step = iso.step(replace(SLICE, partition_table=table), live, artifacts, {}, NAME, 5, 5, Artifact("sha256:tools", 1))
    assert step.parameters["options"].decode().rstrip("\0").split("\0") == options
    assert step.parameters["iso/boot/grub/grub.cfg"] == menu.text(SLICE, live, HERE).encode()
    assert step.parameters["iso/boot/grub/loopback.cfg"] == menu.loopback(live, HERE).encode()
    assert step.parameters[f"iso/{HERE}"] == f"{NAME}\n".encode()
    assert step.parameters.get("early.cfg", b"").decode() == (SEARCH + GO_ON if "mbr" in images else "")
    found = f"if {SEARCH[:-1]}; then\n{GO_ON}fi\n" if "BOOTX64.EFI" in images else ""
    assert step.parameters.get("esp.cfg", b"").decode() == found
    assert ("iso/EFI/BOOT/BOOTX64.EFI" in step.inputs) == ("BOOTX64.EFI" in images)
    assert step.parameters["iso/live/list"] == b"x"
    assert "iso/live/vmlinuz" in step.inputs
    assert step.epoch == 5


def test_the_volume_keeps_its_own_date_under_that_of_a_lock() -> None:
    """Which is its UUID, and that of no other ISO of the same lock."""
    step = iso.step(SLICE, Live({}, "", (), (), ()), {}, {}, NAME, 946_684_861, 5, Artifact("sha256:tools", 1))
    assert step.parameters["options"].decode().split("\0")[-2] == "--modification-date=2000010100010100"
    assert step.epoch == 5


@pytest.mark.parametrize(
    ("firmware", "wanted", "table"),
    [
        ("bios, uefi", "", "hybrid"), ("uefi", "", "gpt"), ("bios", "", "mbr"),
        ("bios, uefi", "gpt", "gpt"), ("uefi", "hybrid", "hybrid"), ("bios", "mbr", "mbr"),
    ],
)  # fmt: skip
def test_partition_tables(profiles: Path, firmware: str, wanted: str, table: str) -> None:
    given = f", partition_table: {wanted}" if wanted else ""
    (profiles / "x.yaml").write_text(f"version: 1\nboot: {{firmware: [{firmware}]{given}}}\n")
    made = config.normalise(load(profiles, "x"), profiles).slices["iso"]
    assert isinstance(made, iso.Slice)
    assert made.partition_table == table


@pytest.mark.parametrize("wanted", ["gpt", "hybrid"])
def test_partition_tables_that_bios_has_no_use_for(profiles: Path, wanted: str) -> None:
    (profiles / "x.yaml").write_text(f"version: 1\nboot: {{firmware: [bios], partition_table: {wanted}}}\n")
    fact = f"boot.partition_table: {wanted} is for UEFI, which is not in boot.firmware; write mbr"
    with pytest.raises(ProfileError, match=re.escape(fact)):
        config.normalise(load(profiles, "x"), profiles)


@pytest.mark.parametrize("count", [1, 2, 10, 11, 12])
def test_names_of_layers(count: int) -> None:
    """live-boot stacks them by their names with `persistence`, the first one on top."""
    images = [("x", Artifact(f"sha256:{number}", 1)) for number in range(count)]
    found = iso.numbered(images)
    assert [image for _, image in sorted(found)] == [image for _, image in reversed(images)]
    assert [image for _, image in found] == [image for _, image in images]
