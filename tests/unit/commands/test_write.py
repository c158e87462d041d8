"""Which disks `write` writes to, and what it asks. tests/integration/test_write.py writes."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.artifact import Artifact
from debate.commands.logic import write
from debate.errors import DebateError
from debate.host.disks import Disk
from tests.unit.host.machine import NODES, machine

STICK = Disk("sdb", "8:16", 16 << 20, 512, "SanDisk Ultra", True, True, False, False, ("sdb1",))
LIST = """\
write: no disk is named; for example --device /dev/mmcblk1
  /dev/mmcblk0  8.4 MB  DG4008           not removable: a disk of this machine?
  /dev/mmcblk1  34 MB   SC32G            removable
  /dev/nvme0n1  1.0 GB  Fast NVMe        not removable: a disk of this machine?
  /dev/sda      524 MB  Samsung SSD 870  refused: sda2 is mounted at /
  /dev/sdb      17 MB   SanDisk Ultra    refused: read-only
  /dev/sdc      67 MB   Big Enclosure    removable
  /dev/vda      67 MB   -                not removable: a disk of this machine?"""


def test_the_list(tmp_path: Path) -> None:
    change = {
        "sys/class/block/sdb/ro": "1",
        "proc/self/mountinfo": f"36 1 {NODES['/dev/sda2']} / / rw - ext4 /dev/root rw",
    }
    assert str(write._choice(machine(tmp_path, change))) == LIST


def test_an_empty_list(tmp_path: Path) -> None:
    said = "write: no disk is named, and none is there; plug in a stick, and run the same command again"
    assert str(write._choice(write.Disks(tmp_path))) == said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optical": True}, "/dev/x: is a drive for discs; burn the ISO"),
        ({"size": 0}, "/dev/x: has no medium; insert one"),
        ({"read_only": True}, "/dev/x: is read-only; move the switch"),
        ({"sector": 4096}, "/dev/x: has sectors of 4,096 bytes, and the partition table of an ISO counts in 512, so"),
        ({}, ""),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, int], message: str) -> None:
    disks = machine(tmp_path)
    if not message:
        write._refuse(disks, STICK, "/dev/x")
        return
    with pytest.raises(DebateError) as caught:
        write._refuse(disks, replace(STICK, **change), "/dev/x")
    assert str(caught.value).startswith(message)


def test_uses_are_told(tmp_path: Path) -> None:
    mounts = "\n".join(f"{number} 1 8:17 / /{number} rw - ext4 /dev/sdb1 rw" for number in range(5))
    with pytest.raises(DebateError) as caught:
        write._refuse(machine(tmp_path, {"proc/self/mountinfo": mounts}), STICK, "/dev/sdb")
    places = "; ".join(f"sdb1 is mounted at /{number}" for number in range(3))
    assert str(caught.value) == (
        f"/dev/sdb: is in use: {places}, and 2 more; unmount or stop that first, or use another disk"
    )


@pytest.mark.parametrize("stays", [False, True])
def test_programs_that_look_at_a_new_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: bool) -> None:
    disks = machine(tmp_path, {"proc/17/comm": "udevd", "proc/17/fd/3 -> ": "/dev/sdb"})
    link = tmp_path / "proc/17/fd/3"
    monkeypatch.setattr(write, "_PATIENCE", 0.3)
    monkeypatch.setattr(write.time, "sleep", lambda _: None if stays else link.unlink())
    assert list(write._lasting(disks, STICK)) == (["process 17 (udevd) has sdb open"] if stays else [])


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("/dev/null", "/dev/null: is no disk; copy the ISO with cp; "),
        ("/missing", "/missing: No such file or directory; without --device, all disks are shown"),
        ("/\0", "/\0: embedded null byte; "),
        (__file__, f"{__file__}: is no disk; "),
    ],
)
def test_what_is_no_disk(device: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        write.require(device, "")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("yes", "terminal", "message"),
    [
        ("", True, ""), ("/dev/sdb", False, ""),
        ("", False, "/dev/sdb: there is no terminal for the question whether to erase it; --yes /dev/sdb answers it"),
        ("/dev/sdc", True, "write: --yes names /dev/sdc, and --device /dev/sdb; name the same disk in both"),
        ("sdb", False, "write: --yes names sdb, and --device /dev/sdb; name the same disk in both"),
    ],
)  # fmt: skip
def test_somebody_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yes: str, terminal: bool, message: str
) -> None:
    monkeypatch.setattr(write, "Disks", lambda: machine(tmp_path))
    monkeypatch.setattr(write, "_found", lambda _, __: STICK)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)
    if not message:
        write.require("/dev/sdb", yes)
        return
    with pytest.raises(DebateError) as caught:
        write.require("/dev/sdb", yes)
    assert str(caught.value) == message


@pytest.mark.parametrize("portable", [True, False])
@pytest.mark.parametrize("answer", ["sdb", "/dev/sdb", "", "y", "yes", "sdb1", "SDB", "sdbx"])
def test_the_question(answer: str, portable: bool) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    disk, device = replace(STICK, portable=portable), "/dev/disk/by-id/usb-1"
    if answer in ("sdb", "/dev/sdb"):
        write._confirm(disk, device, "x.iso (1.0 MB)", ask)
    else:
        with pytest.raises(DebateError, match="was not confirmed, so nothing was written; type sdb"):
            write._confirm(disk, device, "x.iso (1.0 MB)", ask)
    warning = "" if portable else " It is not removable: is it a disk of this machine?"
    assert asked == [
        f"{device} is sdb: SanDisk Ultra, 17 MB with sdb1. All that is on it will be lost.{warning}\n"
        "Type sdb to write x.iso (1.0 MB) to it: "
    ]


@pytest.mark.parametrize(("size", "fits"), [(16 << 20, True), ((16 << 20) + 1, False)])
def test_the_size(size: int, fits: bool) -> None:
    iso = Artifact(f"sha256:{'0' * 64}", size)
    if fits:
        write._require_size(STICK, "/dev/sdb", iso)
        return
    with pytest.raises(DebateError, match="/dev/sdb: has 16,777,216 bytes, and the ISO 16,777,217; use a larger stick"):
        write._require_size(STICK, "/dev/sdb", iso)


@given(st.lists(st.binary(max_size=9)), st.integers(1, 7))
def test_blocks(content: list[bytes], size: int) -> None:
    blocks = list(write._blocks(content, size))
    assert b"".join(blocks) == b"".join(content)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks[-1:])
