"""What `run` refuses, and what it chooses where nothing is said."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from debate.commands.logic import run
from debate.commands.logic.run import Wishes
from debate.errors import DebateError
from debate.qemu.trial import Trial
from debate.steps.boot import Slice

NOTHING = Wishes("", "", "", ssh=False, offline=False, secure_boot=False, netboot=False)
GIB = 1 << 30


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with QEMU and a terminal, without a display."""
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(run, "_on_a_terminal", lambda: True)
    monkeypatch.setattr(run, "available_memory", lambda: 6 * GIB)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def refusal(wishes: Wishes) -> str:
    with pytest.raises(DebateError) as caught:
        run.require(wishes)
    return str(caught.value)


@pytest.mark.usefixtures("terminal")
def test_what_can_be() -> None:
    run.require(NOTHING)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ssh": True, "offline": True}, "run: --ssh needs the network that --offline leaves out; leave one out"),
        ({"secure_boot": True, "firmware": "bios"}, "run: --secure-boot is of UEFI, not of bios; leave one out"),
        ({"netboot": True, "offline": True}, "run: --netboot needs the network that --offline leaves out; leave one"),
        (
            {"netboot": True, "firmware": "uefi"},
            "run: --netboot is of the iPXE in QEMU's network card, which starts by",
        ),
        ({"netboot": True, "secure_boot": True}, "run: --netboot is of the iPXE in QEMU's network card, which starts"),
        ({"memory": "much"}, "--memory: 'much' is not a size; "),
        ({"memory": "64M"}, "--memory: 67 MB is too little for a guest; give it 2G"),
        ({"memory": "64"}, "--memory: 64 B is too little for a guest; "),
        ({"memory": "7G"}, "--memory: 7.5 GB is more than the 6.4 GB that are available; give it less"),
        (
            {"disk": "/missing.img"},
            "--disk /missing.img: No such file or directory; make it first, for example: truncate",
        ),
        ({"disk": "/dev/null"}, "--disk /dev/null: is no file; a disk of this machine is not given to a guest"),
        ({"disk": "/"}, "--disk /: Is a directory"),
        ({"disk": "/\0"}, "--disk /\0: embedded null byte"),
    ],
)
def test_what_cannot(change: dict[str, object], message: str) -> None:
    assert refusal(replace(NOTHING, **change)).startswith(message)  # type: ignore[arg-type]


@pytest.mark.usefixtures("terminal")
def test_a_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"QFI\xfb")
    with run._drive(str(disk)) as (drive, remark):
        assert drive
        assert drive.format == "raw"
        os.pwrite(drive.file, b"written", 0)
    assert remark == (
        f"{disk} begins like a qcow2 image, and is taken as a raw disk, since its name does not end in .qcow2",
    )
    assert disk.read_bytes() == b"written"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(drive.file)
    disk.rename(tmp_path / "disk.qcow2")
    said = refusal(replace(NOTHING, disk=str(tmp_path / "disk.qcow2")))
    assert said.endswith("is no qcow2 image, and its name ends in .qcow2; make one with qemu-img create or convert")


@pytest.mark.usefixtures("terminal")
def test_neither_window_nor_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_on_a_terminal", lambda: False)
    why = "no DISPLAY or WAYLAND_DISPLAY is set"
    assert refusal(NOTHING).startswith(
        f"run: there is no window ({why}), and standard input and output are no terminal;"
    )
    monkeypatch.setattr(run.trial, "window", lambda *_: ("gtk", ""))
    run.require(NOTHING)


def test_without_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    assert refusal(NOTHING) == "qemu-system-x86_64: not installed; run ./setup run:NAME"


@pytest.mark.parametrize(
    ("wanted", "possible", "chosen"),
    [
        ("", ("bios", "uefi"), "uefi"), ("", ("bios",), "bios"), ("bios", ("bios", "uefi"), "bios"),
        ("uefi", ("uefi",), "uefi"), ("uefi", ("bios",), ""),
    ],
)  # fmt: skip
def test_the_firmware(wanted: str, possible: tuple[str, ...], chosen: str) -> None:
    wishes, grub = replace(NOTHING, firmware=wanted), Slice(possible, "amd64", "debian", "none", ())
    if chosen:
        assert run._firmware(wishes, grub, "x") == chosen
        return
    with pytest.raises(DebateError, match=r"run:x: --firmware uefi: the profile does not start by that; it has bios"):
        run._firmware(wishes, grub, "x")


def test_secure_boot() -> None:
    wishes = replace(NOTHING, secure_boot=True)
    assert run._firmware(wishes, Slice(("bios", "uefi"), "amd64", "debian", "own", ()), "x") == "secure-boot"
    with pytest.raises(DebateError, match=r"^run:x: --secure-boot: nothing on the ISO is signed"):
        run._firmware(wishes, Slice(("bios", "uefi"), "amd64", "debian", "none", ()), "x")


@pytest.mark.parametrize(
    ("available", "wanted", "given"), [(7.9, "", 2), (8, "", 4), (64, "", 4), (0, "", 2), (0, "3G", 3), (9, "8G", 8)]
)
def test_the_memory(monkeypatch: pytest.MonkeyPatch, available: float, wanted: str, given: int) -> None:
    monkeypatch.setattr(run, "available_memory", lambda: int(available * GIB))
    assert run._memory(wanted) == given * GIB


@pytest.mark.parametrize("window", ["", "gtk"])
@pytest.mark.parametrize("network", [False, True])
def test_what_is_told_first(window: str, network: bool) -> None:
    guest = Trial("x", Path("x.iso"), "uefi", 2048, "tcg", window=window, network=network)
    first, *more = run._told(guest, "no DISPLAY or WAYLAND_DISPLAY is set")
    assert first == (
        "x runs in a window (uefi, 2,048 MiB, without KVM, so slowly); close it to end"
        if window
        else "x runs here (uefi, 2,048 MiB, without KVM, so slowly), since no DISPLAY or WAYLAND_DISPLAY is set: "
        "Ctrl-A X ends it, Ctrl-A H shows more keys"
    )
    assert bool(more) is network
