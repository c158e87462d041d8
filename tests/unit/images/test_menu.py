"""GRUB's menu: what a profile may say of it, and its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate import live
from debate.errors import ProfileError
from debate.images import iso, menu
from debate.live import ready
from debate.live.ready import READY
from debate.profile.load import load
from debate.profile.schema import fits, named, schema
from debate.steps import config, lock, overlay
from tests.unit.images.test_iso import HERE, INITRDS, LIVE, SEARCH, SLICE

BOOT = schema()["properties"]["boot"]["properties"]


def test_menu() -> None:
    assert menu.text(SLICE, LIVE, HERE) == (
        f"if [ ! -e /{HERE} ]; then\n"
        f"    {SEARCH}"
        "fi\n"
        'if [ "$lockdown" = y ]; then echo Secure boot enabled; fi\n'
        "serial --unit=0 --speed=115200\n"
        "terminal_input console serial\n"
        "terminal_output console serial\n"
        "set default=default\n"
        "set timeout=3\n"
        "menuentry --id=default -- 'Rescue system' {\n"
        "    linux /live/vmlinuz boot=live $iso_arguments console=tty0 console=ttyS0,115200 quiet 'x=a b'\n"
        "    initrd /live/medium.img /live/initrd.img\n"
        "}\n"
    )


def test_paths_that_ventoy_reads() -> None:
    """It takes the words of such lines as they are (ventoy_grub_cfg_initrd_collect in its ventoy_linux.c)."""
    (line,) = (line for line in menu.text(SLICE, LIVE, HERE).splitlines() if line.strip().startswith("initrd"))
    assert tuple(line.split()[1:]) == INITRDS


def test_menu_of_the_file_on_another_file_system() -> None:
    assert menu.loopback(LIVE, HERE) == (
        f"if [ ! -e /{HERE} ]; then\n"
        f"    {SEARCH}"
        "fi\n"
        "set iso_arguments=x=$iso_path\n"
        "export iso_arguments\n"
        "source /boot/grub/grub.cfg\n"
    )


@pytest.mark.parametrize(
    ("console", "line"),
    [
        (("ttyS1",), "serial --unit=1 --speed=9600"),
        (("ttyS0,9600n8",), "serial --unit=0 --speed=9600"),
        (("ttyS12,115200n8r",), "serial --unit=12 --speed=115200 --rtscts=on"),
        (("ttyS0,9600e7",), "serial --unit=0 --speed=9600 --word=7 --parity=even"),
        (("ttyS0,9600o",), "serial --unit=0 --speed=9600 --parity=odd"),
        (("ttyS0,19200n7r",), "serial --unit=0 --speed=19200 --word=7 --rtscts=on"),
        (("ttyS0,3000000",), "serial --unit=0 --speed=3000000"),
        (("ttyS1,9600", "ttyS0"), "serial --unit=1 --speed=9600"),
        (("ttyS0,57600",), "serial --unit=0 --speed=57600"),
    ],
)
def test_serial_lines(console: tuple[str, ...], line: str) -> None:
    assert menu.text(replace(SLICE, console=console), LIVE, HERE).splitlines()[4] == line


def test_no_serial_line() -> None:
    assert "serial" not in menu.text(replace(SLICE, console=("tty0",)), LIVE, HERE)


def problems(profiles: Path, text: str, more: str = "") -> list[str]:
    (profiles / "x.yaml").write_text(f"version: 1\nboot:\n  arguments: [quiet, '{text}']\n{more}\n")
    try:
        config.normalise(load(profiles, "x"), profiles)
    except ProfileError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_command_line_that_the_kernel_would_cut_off(profiles: Path) -> None:
    room = menu.LONGEST - len("console=tty0 console=ttyS0,115200 quiet x=")
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


@given(st.from_regex(BOOT["console"]["items"]["pattern"], fullmatch=True))
def test_every_console_makes_a_menu(console: str) -> None:
    text = menu.text(replace(SLICE, console=(console,)), LIVE, HERE)
    assert not re.search("serial --unit=([4-9]|[0-9]{2})", text)


def made(profiles: Path, boot: Mapping[str, Any], more: str = "") -> iso.Slice:
    text = yaml.safe_dump({"version": 1, "boot": {"theme": {"resolution": "text"}, **boot}}, sort_keys=False)
    (profiles / "x.yaml").write_text(f"{text}{more}\n")
    return config.normalise(load(profiles, "x"), profiles).slice(iso.Slice)


def refused(profiles: Path, boot: Mapping[str, Any], more: str = "") -> list[str]:
    with pytest.raises(ProfileError) as error:
        made(profiles, boot, more)
    return [f"{problem.fact}; {problem.remedy}" for problem in error.value.problems]


def test_entries_submenus_keys_and_the_one_that_starts(profiles: Path) -> None:
    entries = [
        "default",
        {
            "title": "It's text",
            "arguments": ["systemd.unit=multi-user.target", "x=a b"],
            "hotkey": "t",
            "submenu": "More",
        },
        "toram",
        {"name": "failsafe", "submenu": "More", "title": "Safe", "hotkey": "f", "arguments": ["z"]},
    ]
    boot = {"title": "Rescue", "console": ["tty0"], "arguments": ["quiet"], "entries": entries, "default": "Safe"}
    assert menu.text(made(profiles, boot), LIVE, HERE) == (
        f"if [ ! -e /{HERE} ]; then\n"
        f"    {SEARCH}"
        "fi\n"
        'if [ "$lockdown" = y ]; then echo Secure boot enabled; fi\n'
        "set default='submenu-1>failsafe'\n"
        "set timeout=3\n"
        "menuentry --id=default -- Rescue {\n"
        "    linux /live/vmlinuz boot=live $iso_arguments console=tty0 quiet\n"
        "    initrd /live/medium.img /live/initrd.img\n"
        "}\n"
        "submenu --id=submenu-1 -- More {\n"
        "    menuentry --id=own-2 --hotkey=t -- 'It'\\''s text' {\n"
        "        linux /live/vmlinuz boot=live $iso_arguments console=tty0 quiet systemd.unit=multi-user.target"
        " 'x=a b'\n"
        "        initrd /live/medium.img /live/initrd.img\n"
        "    }\n"
        "    menuentry --id=failsafe --hotkey=f -- Safe {\n"
        "        linux /live/vmlinuz boot=live $iso_arguments console=tty0 quiet nomodeset plymouth.enable=0 loglevel=7"
        " systemd.show_status=1 z\n"
        "        initrd /live/medium.img /live/initrd.img\n"
        "    }\n"
        "}\n"
        "menuentry --id=toram -- 'Rescue (from memory)' {\n"
        "    linux /live/vmlinuz boot=live $iso_arguments console=tty0 quiet toram\n"
        "    initrd /live/medium.img /live/initrd.img\n"
        "}\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"), [(None, "toram"), ("serial", "serial"), ("B", "own-2"), ("L (from memory)", "toram")]
)
def test_the_entry_that_starts(profiles: Path, wanted: str | None, found: str) -> None:
    boot = {"title": "L", "entries": ["toram", {"title": "B"}, "serial"], "default": wanted}
    assert made(profiles, boot).default == found


def test_the_name_of_a_ready_entry_comes_before_a_title(profiles: Path) -> None:
    entries = [{"title": "toram"}, "toram"]
    assert made(profiles, {"entries": entries, "default": "toram"}).default == "toram"
    assert made(profiles, {"entries": entries[:1], "default": "toram"}).default == "own-1"


@pytest.mark.parametrize(
    ("boot", "problems"),
    [
        ({"default": "torm", "entries": ["toram"]}, ["boot.default: no entry 'torm'; did you mean 'toram'?"]),
        ({"default": "own-1", "entries": [{"title": "A"}]}, ["boot.default: no entry 'own-1'; known: A"]),
        (
            {"entries": [{"arguments": ["x"]}]},
            ["boot.entries: an entry has neither a title nor the name of a ready one; add a title, or a name"],
        ),
        ({"entries": [{"title": "A"}, {"title": "A"}]}, ["boot.entries: two entries have the title 'A'; change one"]),
        (
            {"entries": ["toram", {"name": "toram", "title": "B"}]},
            ["boot.entries: two entries have the name 'toram'; change one"],
        ),
        (
            {"entries": [{"title": "A", "hotkey": "a"}, {"title": "B", "hotkey": "a"}]},
            ["boot.entries: two entries have the hotkey 'a'; change one"],
        ),
        (
            {"entries": [{"name": "disk", "arguments": ["x"]}]},
            ["boot.entries: disk: it starts no kernel, which could have arguments; leave them out"],
        ),
        (
            {"entries": ["firmware"], "firmware": ["bios"]},
            [
                "boot.entries: firmware: BIOS has no setup that a boot loader can start; "
                "leave it out, or add uefi to boot.firmware"
            ],
        ),
        (
            {"entries": [{"title": "A", "arguments": ["boot=casper", "--"]}]},
            [
                "boot.entries: boot is set by debate; leave it out",
                "boot.entries: what follows -- goes to init, not to the kernel; leave it out",
            ],
        ),
    ],
)  # fmt: skip
def test_menus_that_cannot_be(profiles: Path, boot: Mapping[str, Any], problems: list[str]) -> None:
    assert refused(profiles, boot) == problems


def test_the_same_titles_and_keys_in_other_menus(profiles: Path) -> None:
    entries = [{"title": "A", "hotkey": "a", "submenu": submenu} for submenu in ("B", "C")]
    text = menu.text(made(profiles, {"entries": [*entries, {"title": "A", "hotkey": "a"}]}), LIVE, HERE)
    assert text.count("menuentry --id=own-") == 3
    assert "submenu --id=submenu-2 -- C {" in text


def test_room_for_arguments_of_an_entry(profiles: Path) -> None:
    entry = {"title": "A", "arguments": [f"x={'a' * 1000}", f"y={'b' * 1000}"]}
    (problem,) = refused(profiles, {"entries": ["default", entry]})
    assert problem.startswith("boot.entries: 2,039 characters with the consoles, and the kernel ")


def test_the_serial_console_comes_last(profiles: Path) -> None:
    def arguments(console: list[str]) -> list[str]:
        found = made(profiles, {"console": console, "entries": ["serial"]}).entries[0].arguments
        return [word.removeprefix("console=") for word in found if word.startswith("console=")]

    assert arguments(["tty0"]) == ["tty0", "ttyS0,115200"]
    assert arguments(["ttyS1,9600", "tty0"]) == ["tty0", "ttyS1,9600"]
    assert arguments(["tty0", "ttyS0,57600"]) == ["tty0", "ttyS0,57600"]


def test_an_entry_that_starts_the_same_is_told(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("version: 1\nboot: {entries: [default, serial]}\n")
    told = config.normalise(load(profiles, "x"), profiles).told
    assert told == ("boot.entries: serial starts what default does: ttyS0,115200 is last in boot.console",)


def test_the_schema_names_each_ready_entry() -> None:
    entry = BOOT["entries"]["items"]
    assert named(entry["properties"]["name"]) == [*READY]
    assert [name for name in READY if fits(name, "boot", "entries", "*")] == list(READY)
    assert not fits("torram", "boot", "entries", "*")
    assert all(name in entry["x-form"] for name in READY)
    assert entry["properties"]["arguments"]["items"] == BOOT["arguments"]["items"]


@pytest.mark.parametrize("module", ["live_boot", "dracut", "archiso"])
def test_each_live_system_does_each_entry_or_says_why_not(module: str) -> None:
    system = live.importlib.import_module(f"debate.live.{module}")
    needed = {name for name, ready in READY.items() if ready.live}
    assert needed == system.ENTRIES.keys() | system.REFUSED.keys()
    assert not system.ENTRIES.keys() & system.REFUSED.keys()


@pytest.mark.parametrize("key", ["c", "e", "v", "A", "^", "ab", ""])
def test_keys_that_the_menu_has_itself(key: str) -> None:
    assert not fits({"title": "A", "hotkey": key}, "boot", "entries", "*")


@pytest.mark.parametrize(
    ("system", "arguments"),
    [
        ("", "persistence persistence-storage=filesystem persistence-label=my-data persistence-encryption=none"),
        ("initrd: {generator: dracut}", "debate.persistence=my-data"),
        ("distribution: arch", "cow_label=my-data"),
        ("distribution: arch\ninitrd: {generator: dracut}", "debate.persistence=my-data"),
    ],
)
def test_persistence_has_an_entry(profiles: Path, system: str, arguments: str) -> None:
    found = made(profiles, {"console": ["tty0"]}, f"persistence: {{label: my-data}}\n{system}")
    assert [entry.id for entry in found.entries] == ["default", "persistence"]
    assert " ".join(found.entries[-1].arguments) == f"console=tty0 {arguments}"
    named = made(profiles, {"entries": ["persistence", "default"]}, f"persistence: {{label: my-data}}\n{system}")
    assert [entry.id for entry in named.entries] == ["persistence", "default"]


def test_encrypted_persistence_brings_what_opens_it(profiles: Path) -> None:
    more = "persistence: {encrypted: true}"
    found = made(profiles, {}, more)
    assert "persistence-label=persistence" in found.entries[-1].arguments
    assert "persistence-encryption=luks" in found.entries[-1].arguments
    made_ = config.normalise(load(profiles, "x"), profiles)
    assert "cryptsetup-initramfs" in made_.slice(lock.Slice).packages
    (profiles / "x.yaml").write_text("version: 1\npersistence: {}\n")
    assert "cryptsetup-initramfs" not in config.normalise(load(profiles, "x"), profiles).slice(lock.Slice).packages


@pytest.mark.parametrize(
    ("system", "remedy"),
    [
        ("initrd: {generator: dracut}", "leave it out, or write `initrd: {generator: initramfs-tools}`"),
        ("distribution: arch", "leave it out"),
    ],
)
def test_an_initramfs_that_opens_nothing(profiles: Path, system: str, remedy: str) -> None:
    generator = "dracut" if "dracut" in system else "mkinitcpio"
    fact = f"persistence.encrypted: an initramfs of {generator} cannot ask for the passphrase of one"
    assert refused(profiles, {}, f"persistence: {{encrypted: true}}\n{system}") == [f"{fact}; {remedy}"]


@pytest.mark.parametrize("system", ["", "distribution: arch"])
def test_speech_brings_what_it_needs_and_starts_in_its_entry_alone(profiles: Path, system: str) -> None:
    slice_ = made(profiles, {"entries": ["default", "accessibility"]}, system)
    spoken = [ready.SPEECH in entry.arguments for entry in slice_.entries]
    assert spoken == [False, True]
    assert "play 480 440 1\n" in menu.text(slice_, LIVE, HERE)
    whole = config.normalise(load(profiles, "x"), profiles)
    assert {"alsa-utils", "espeakup"} <= {*whole.slice(lock.Slice).packages}
    changes = whole.slice(overlay.Slice)
    (path,) = (entry.path for entry in changes.tree if "espeakup" in entry.path)
    assert path == "/etc/systemd/system/espeakup.service.d/accessibility.conf"
    assert ("speech",) in changes.checks


def test_a_system_without_that_entry(profiles: Path) -> None:
    assert "play" not in menu.text(made(profiles, {}), LIVE, HERE)
    whole = config.normalise(load(profiles, "x"), profiles)
    assert "espeakup" not in whole.slice(lock.Slice).packages
    assert not [entry for entry in whole.slice(overlay.Slice).tree if "espeakup" in entry.path]
    assert ("speech",) not in whole.slice(overlay.Slice).checks


def test_memtest_is_hidden_where_it_does_not_start(profiles: Path) -> None:
    text = menu.text(
        made(profiles, {"console": ["tty0", "ttyS1,57600n8"], "entries": ["default", "memtest"]}), LIVE, HERE
    )
    assert text.endswith(
        'if [ "$grub_platform" = pc -o "$grub_cpu" = x86_64 ]; then if [ "$lockdown" != y ]; then\n'
        "menuentry --id=memtest -- 'Memory test' {\n"
        "    linux /boot/memtest-$grub_platform console=ttyS1,57600\n"
        "}\n"
        "fi; fi\n"
    )


@pytest.mark.parametrize(
    ("boot", "more", "fact"),
    [
        ({}, "distribution: arch", "files of a package that is not installed cannot be had of Arch; leave it out"),
        (
            {"firmware": ["uefi-ia32"]},
            "",
            "it is for BIOS and for UEFI of 64 bits; leave it out, or add uefi to boot.firmware",
        ),
    ],
)
def test_where_there_is_no_memtest(profiles: Path, boot: dict[str, Any], more: str, fact: str) -> None:
    assert refused(profiles, {"entries": ["default", "memtest"], **boot}, more) == [f"boot.entries: memtest: {fact}"]


def test_persistence_without_the_field(profiles: Path) -> None:
    assert refused(profiles, {"entries": ["persistence"]}) == [
        "boot.entries: persistence: the profile has no field persistence; write `persistence: {label: persistence}`"
    ]
