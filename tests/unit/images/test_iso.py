"""What xorriso is told, word for word, and GRUB's menu."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import ProfileError
from debate.images import iso
from debate.live.interface import Live
from debate.model import Artifact
from debate.profile.load import load
from debate.profile.schema import fits, schema
from debate.steps import config

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


SLICE = iso.Slice(
    distribution="debian",
    architecture="amd64",
    generator="initramfs-tools",
    label="L",
    publisher="P",
    application="Live system",
    title="Rescue system",
    timeout=3,
    console=("tty0", "ttyS0,115200"),
    arguments=("quiet", "x=a b"),
)
LIVE = Live({}, "/live/vmlinuz", "/live/initrd.img", ("boot=live",))


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
    step = iso.step(SLICE, live, artifacts, 5, Artifact("sha256:tools", 1))
    assert step.parameters["options"].decode().rstrip("\0").split("\0") == options
    assert step.parameters["iso/boot/grub/grub.cfg"] == iso.menu(SLICE, live).encode()
    assert step.parameters["iso/live/list"] == b"x"
    assert "iso/live/vmlinuz" in step.inputs
    assert step.epoch == 5


def test_menu() -> None:
    assert iso.menu(SLICE, LIVE) == (
        "serial --unit=0 --speed=115200\n"
        "terminal_input console serial\n"
        "terminal_output console serial\n"
        "set default=0\n"
        "set timeout=3\n"
        "menuentry -- 'Rescue system' {\n"
        "    linux /live/vmlinuz boot=live console=tty0 console=ttyS0,115200 quiet 'x=a b'\n"
        "    initrd /live/initrd.img\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("console", "line"),
    [
        (("ttyS1",), "serial --unit=1 --speed=9600"),
        (("ttyS0,9600n8",), "serial --unit=0 --speed=9600"),
        (("ttyS12,115200n8r",), "serial --unit=12 --speed=115200"),
        (("ttyS0,57600",), "serial --unit=0 --speed=57600"),
    ],
)
def test_serial_lines(console: tuple[str, ...], line: str) -> None:
    assert iso.menu(replace(SLICE, console=console), LIVE).splitlines()[0] == line


def test_no_serial_line() -> None:
    assert "serial" not in iso.menu(replace(SLICE, console=("tty0",)), LIVE)


def problems(profiles: Path, text: str, more: str = "") -> list[str]:
    (profiles / "x.yaml").write_text(f"version: 1\nboot:\n  arguments: [quiet, '{text}']\n{more}\n")
    try:
        config.normalise(load(profiles, "x"), profiles)
    except ProfileError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_command_line_that_the_kernel_would_cut_off(profiles: Path) -> None:
    room = iso._LONGEST - len("console=tty0 console=ttyS0,115200 quiet x=")
    assert problems(profiles, f"x={'a' * room}") == []
    (problem,) = problems(profiles, f"x={'a' * (room - 4)} b c")
    assert problem.startswith(
        "profiles/x.yaml:3:14: boot.arguments: 1,902 characters with the consoles, and the kernel "
    )
    assert problem.endswith("make them 1,900 or fewer; modprobe.d, sysctl.d and units take settings from files")


@pytest.mark.parametrize(
    ("system", "arguments", "fact"),
    [
        ("", ["boot=casper", "boot"], "boot is set by debate"),
        ("", ["nonetworking"], "nonetworking is set by debate"),
        ("initrd: {generator: dracut}", ["root=/dev/sda1", "root=live:CDLABEL=X"], "root is set by debate"),
        ("distribution: arch", ["archisobasedir=x"], "archisobasedir is set by debate"),
        ("distribution: arch", ["--"], "what follows -- goes to init, not to the kernel"),
        ("", ["--"], "what follows -- goes to init, not to the kernel"),
        ("", ["boots=1", "root=/dev/sda1", "---", "x=--", "live-media=removable"], ""),
        ("distribution: arch", ["boot=live"], ""),
        # Of a generator that is refused itself, the distribution's first one counts.
        (
            "distribution: arch\ninitrd: {generator: initramfs-tools}",
            ["archisobasedir=x"],
            "archisobasedir is set by debate",
        ),
        ("distribution: arch\ninitrd: {generator: initramfs-tools}", ["boot=live"], ""),
    ],
)
def test_arguments_that_debate_sets(profiles: Path, system: str, arguments: list[str], fact: str) -> None:
    for argument in arguments:
        found = problems(profiles, argument, system)
        told = [problem for problem in found if "boot.arguments" in problem]
        assert told == ([f"profiles/x.yaml:3:22: boot.arguments: {fact}; leave it out"] if fact else [])


@pytest.mark.parametrize(
    "console", ["ttyS4", "ttyS9", "ttyS" + "1" * 5000, "tty" + "0" * 5000, "hvc1234", "ttyS0," + "1" * 5000]
)
def test_consoles_that_no_boot_loader_has(console: str) -> None:
    assert not fits(console, "boot", "console", "*")


@given(st.from_regex(schema()["properties"]["boot"]["properties"]["console"]["items"]["pattern"], fullmatch=True))
def test_every_console_makes_a_menu(console: str) -> None:
    text = iso.menu(replace(SLICE, console=(console,)), LIVE)
    assert not re.search("serial --unit=([4-9]|[0-9]{2})", text)
