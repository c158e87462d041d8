"""GRUB's menu."""

from __future__ import annotations

from typing import Any

import pytest

from debate.live.interface import Live
from debate.model import Artifact
from debate.steps import boot

LIVE = Live({}, "/live/vmlinuz", "/live/initrd.img", ("boot=live",))
SLICE: dict[str, Any] = {
    "label": "RESCUE", "firmware": ["bios", "uefi"], "console": ["tty0", "ttyS0,115200"],
    "timeout": 3, "arguments": ["quiet", "x=a b"], "title": "Rescue system",
}  # fmt: skip


def test_golden() -> None:
    assert boot.menu(SLICE, LIVE) == (
        "serial --unit=0 --speed=115200\n"
        "terminal_input console serial\n"
        "terminal_output console serial\n"
        "set default=0\n"
        "set timeout=3\n"
        "menuentry 'Rescue system' {\n"
        "    linux /live/vmlinuz boot=live console=tty0 console=ttyS0,115200 quiet 'x=a b'\n"
        "    initrd /live/initrd.img\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("console", "line"),
    [
        (["ttyS1"], "serial --unit=1 --speed=9600"),
        (["ttyS0,9600n8"], "serial --unit=0 --speed=9600"),
        (["ttyS12,115200n8r"], "serial --unit=12 --speed=115200"),
        (["ttyS0,57600"], "serial --unit=0 --speed=57600"),
    ],
)
def test_serial_lines(console: list[str], line: str) -> None:
    assert boot.menu({**SLICE, "console": console}, LIVE).splitlines()[0] == line


def test_no_serial_line() -> None:
    assert "serial" not in boot.menu({**SLICE, "console": ["tty0"]}, LIVE)


def test_the_menu_does_not_change_the_boot_images() -> None:
    base = Artifact("sha256:0", 1)
    assert boot.step(SLICE, base) == boot.step({**SLICE, "timeout": 9, "title": "x", "arguments": []}, base)
    assert boot.step(SLICE, base) != boot.step({**SLICE, "label": "OTHER"}, base)


def test_outputs_follow_the_firmware() -> None:
    base = Artifact("sha256:0", 1)
    assert boot.step({**SLICE, "firmware": ["uefi"]}, base).outputs == ("efi",)
    assert boot.step({**SLICE, "firmware": ["bios"]}, base).outputs == ("bios", "mbr")
