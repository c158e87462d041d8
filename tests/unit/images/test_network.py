"""The scripts for iPXE and GRUB, and the directory that they are in."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import live
from debate.images import iso, network
from debate.images.menu import Entry
from debate.live.interface import Live, LiveParts, LiveSystem
from debate.model import Artifact
from debate.steps import boot, initrd
from debate.text import kernel_line
from tests.unit.images.test_iso import SLICE

TOOLS = Artifact("sha256:tools", 1)
PARTS = LiveParts(
    kernel=Artifact(f"sha256:{1:064}", 1),
    initrd=Artifact(f"sha256:{2:064}", 2),
    layers=[("0-packages", Artifact(f"sha256:{3:064}", 3)), ("1-overlay", Artifact(f"sha256:{4:064}", 4))],
    sha512=lambda _: "5" * 128,
    medium="12345678-0000-4000-8000-000000000000",
    epoch=0,
    architecture="amd64",
)
KINDS = {"live_boot": ("debian", "initramfs-tools"), "dracut": ("debian", "dracut"), "archiso": ("arch", "mkinitcpio")}
KIND = pytest.mark.parametrize("kind", KINDS)
MADE = {
    name: Artifact(f"sha256:{number:064}", 9) for number, name in enumerate(("layers", "bios", "uefi", "uefi-ia32"), 10)
}


def of(kind: str) -> tuple[LiveSystem, Live]:
    system = live.get(*KINDS[kind])
    return system, system.live(PARTS)


def test_ipxe() -> None:
    system, found = of("live_boot")
    assert network.ipxe(SLICE, found, system.NETWORK) == (
        "#!ipxe\n"
        "# For images on another server: set base http://SERVER/DIRECTORY/ before this is called.\n"
        "isset ${base} || set base ${cwduri}\n"
        "isset ${base} || set base ${filename}/../\n"
        "kernel live/vmlinuz initrd=layers.img initrd=initrd.img boot=live nonetworking fetch=${base} "
        'BOOTIF=01-${netX/mac:hexhyp} console=tty0 console=ttyS0,115200 quiet "x=a b"\n'
        "initrd layers.img\n"
        "initrd live/initrd.img\n"
        "boot\n"
    )


def test_grub() -> None:
    system, found = of("dracut")
    *_, entry, linux, initrds, end = network.grub(SLICE, found, system.NETWORK).splitlines()
    assert (entry, end) == ("menuentry --id=default -- 'Rescue system' {", "}")
    assert linux.split() == [
        "linux", '"$here/boot/vmlinuz"', 'root=live:"$base"LiveOS/squashfs.img', "rd.live.image",
        "rd.live.overlay.overlayfs=1", "rd.neednet=1", "ip=dhcp", 'BOOTIF="01-$net_default_mac"', "console=tty0",
        "console=ttyS0,115200", "quiet", "'x=a", "b'",
    ]  # fmt: skip
    assert initrds == '    initrd "$here/layers.img" "$here/boot/initrd.img"'


@pytest.mark.parametrize(
    ("here", "base"),
    [
        ("(http,192.0.2.1)/images/x", "http://192.0.2.1/images/x/"),
        ("(tftp,192.0.2.1)images/x", "tftp://192.0.2.1/images/x/"),
        ("(http,192.0.2.1:8000)/", "http://192.0.2.1:8000/"), ("(tftp,192.0.2.1)", "tftp://192.0.2.1/"),
    ],
)  # fmt: skip
def test_where_grub_was_found(here: str, base: str) -> None:
    """The lines of its script that make a URL of it are a shell's, too, but for the command `regexp`."""
    system, found = of("live_boot")
    text = network.grub(SLICE, found, system.NETWORK)
    lines = re.search(r"(?s)    regexp .*?(?=^fi$)", text, re.M)
    assert lines
    script = lines[0].replace("set base=", "base=")
    pattern = re.search("'(.*)' \"\\$here\"\n", script)
    assert pattern
    script = script.replace(pattern[0], '"$here"\n')
    values = re.search(pattern[1], here)
    assert values
    names = re.findall(r"--set=([123]):(\w+)", script)
    known = {name: values[int(number)] for number, name in names}
    shell = subprocess.run(
        ["sh", "-euc", f'regexp() {{ :; }}\n{script}\nprintf %s "$base"'],
        env={**known, "here": here}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shell.stdout == base


ENTRIES = {
    "default": Entry("default", "L", "", "d", ("console=tty0", "quiet")),
    "toram": Entry("toram", "L (from memory)", "More", "", ("quiet", "toram", "x=toram")),
    "verify": Entry("verify", "L (check)", "More", "", ("quiet", "verify-checksums", "own")),
    "persistence": Entry("persistence", "L (p)", "", "", ("quiet", "persistence")),
    "own-5": Entry("own-5", "toram", "", "o", ("toram",)),
    **{name: Entry(name, name, "More", "", ()) for name in ("memtest", "firmware", "disk")},
}


@pytest.mark.parametrize(
    ("ids", "default", "found"),
    [
        (["disk", "default", "firmware"], "default", ("console=tty0 quiet", {"default": "console=tty0 quiet"})),
        (["default", "toram"], "toram", ("quiet x=toram", {"default": "console=tty0 quiet", "toram": "quiet x=toram"})),
        (["default", "verify"], "verify", ("quiet own", {"default": "console=tty0 quiet", "verify": "quiet own"})),
        (["disk", "own-5", "persistence"], "disk", ("toram", {"own-5": "toram", "persistence": "quiet persistence"})),
        (["memtest"], "memtest", ("console=tty0 console=ttyS0,115200 quiet x=a b", {
            "default": "console=tty0 console=ttyS0,115200 quiet 'x=a b'"})),
    ],
)  # fmt: skip
def test_the_menu(ids: list[str], default: str, found: tuple[str, dict[str, str]]) -> None:
    """What starts the system is offered by GRUB, and iPXE starts its default; no medium is copied or checked."""
    system, files = of("live_boot")
    values = replace(SLICE, entries=tuple(ENTRIES[name] for name in ids), default=default)
    first, listed = found
    text, in_ipxe = network.grub(values, files, system.NETWORK), network.ipxe(values, files, system.NETWORK)
    ids_ = re.findall(r"menuentry --id=(\S+)", text)
    words = re.findall(r'linux .* BOOTIF="01-\$net_default_mac" (.*)', text)
    assert dict(zip(ids_, words, strict=True)) == listed
    (line,) = re.findall(r"kernel .* BOOTIF=\S+ (.*)", in_ipxe)
    assert line.replace('"', "") == first
    (chosen,) = re.findall(r"set default='?(\S+?)'?\n", text)
    assert listed[chosen.rpartition(">")[2]].replace("'", "") == first


@KIND
def test_each_argument_has_one_url(kind: str) -> None:
    """No braces but those of the URL, which both boot loaders put in."""
    arguments = live.get(*KINDS[kind]).NETWORK.arguments
    assert sum(argument.count("{base}") for argument in arguments) == 1
    assert all(argument.replace("{base}", "").isascii() for argument in arguments)
    assert not any(set("{} '\"$") & set(argument.replace("{base}", "")) for argument in arguments)


@KIND
def test_grub_can_read_the_menu(kind: str) -> None:
    system, found = of(kind)
    text = network.grub(SLICE, found, system.NETWORK)
    checked = subprocess.run(["grub-script-check"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def told(*arguments: str) -> iso.Slice:
    """A menu that starts a system with these."""
    return replace(SLICE, entries=(replace(SLICE.entries[0], arguments=arguments),))


def ipxe_reads(line: str) -> list[list[str]]:
    """The commands in a line, as system() of iPXE reads it: words, of which some end a command."""
    commands: list[list[str]] = [[]]
    for word in line.split():
        if word.startswith("#"):
            break
        if word in ("&&", "||", ";"):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


@pytest.mark.parametrize(
    "argument", ["a  b", "#x", "x=a #b", "x=a && b", "x=a || b", "x=a ;", "x=${y}", ";", "dyndbg=file a  +p"]
)
def test_what_ipxe_would_not_read(argument: str) -> None:
    assert network.not_for_ipxe(told("quiet", argument)) == argument


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'\"\\"), min_size=1)))
def test_ipxe_reads_what_is_not_refused(arguments: list[str]) -> None:
    """Word for word, with the spaces between them, in one command."""
    values = told(*arguments)
    line = kernel_line.joined(arguments)
    if not network.not_for_ipxe(values) and all(line.split()):
        words = f"kernel x {line}"
        assert "${" not in words
        assert ipxe_reads(words) == [words.split()]
        assert all(argument in " ".join(ipxe_reads(words)[0]) for argument in arguments if argument.strip() == argument)


@KIND
def test_the_directory(kind: str) -> None:
    """All that the initramfs fetches is there, and named with its digest."""
    system, found = of(kind)
    texts, files = network.directory(SLICE, found, system.NETWORK, MADE)
    assert not texts.keys() & files.keys()
    known = {**files, **{path: Artifact.of(data) for path, data in texts.items()}}
    tree = found.tree.keys() - {path[1:] for path in found.initrds[:-1]}
    assert tree < known.keys()
    sums = dict(reversed(line.split("  ")) for line in texts["SHA256SUMS"].decode().splitlines())
    assert sums == {path: one.digest.removeprefix("sha256:") for path, one in known.items() if path != "SHA256SUMS"}
    wanted = network.step(
        system.NETWORK, found, boot.Slice(("bios",), "amd64", "debian", "none", ()), 5, TOOLS
    ).parameters["files"]
    for line in wanted.decode().splitlines():
        digest, size, path = line.split(" ")
        assert (f"sha256:{digest}", int(size)) == (known[path].digest, known[path].size)
    named = {line.split(" ")[2] for line in wanted.decode().splitlines()}
    assert named == tree - {found.kernel[1:], found.initrds[-1][1:]}


@KIND
def test_the_second_initramfs_has_no_file_of_the_first(kind: str) -> None:
    """The first would win, since the kernel unpacks it later."""
    own = re.compile(initrd._OWN_HOOK[KINDS[kind][1]])
    assert not any(own.fullmatch(f"/{path}") for path in live.get(*KINDS[kind]).NETWORK.fetch)


@pytest.mark.parametrize(
    ("firmware", "names"),
    [
        (("bios",), {"grub.pxe"}),
        (("uefi",), {"grub.efi"}),
        (("bios", "uefi"), {"grub.pxe", "grub.efi"}),
        (("uefi-ia32",), {"grub-ia32.efi"}),
    ],
)
def test_the_firmware(firmware: tuple[str, ...], names: set[str]) -> None:
    system, found = of("live_boot")
    step = network.step(system.NETWORK, found, boot.Slice(firmware, "amd64", "debian", "none", ()), 5, TOOLS)
    assert step.outputs == ("layers", "lacks", *firmware)
    made = {name: one for name, one in MADE.items() if name in step.outputs}
    _, files = network.directory(SLICE, found, system.NETWORK, made)
    assert {name for name in files if name.startswith("grub")} == names
