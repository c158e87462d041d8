"""What disks there are, and what uses them, out of trees like those of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate.host import disks as module
from debate.host.disks import Disks
from tests.unit.host.machine import FREE, MACHINE, NODES, machine


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    return machine(tmp_path)


def test_candidates(disks: Disks) -> None:
    """Hardware with a medium: no loop devices, no memory, no drive for discs, no part of an eMMC, no empty reader."""
    assert [disk.name for disk in disks.candidates()] == ["mmcblk0", "mmcblk1", "nvme0n1", "sda", "sdb", "sdc", "vda"]


@pytest.mark.parametrize(
    ("name", "size", "model", "portable", "partitions"),
    [
        ("sda", 500 << 20, "Samsung SSD 870", False, ("sda1", "sda2", "sda3")),
        ("sdb", 16 << 20, "SanDisk Ultra", True, ("sdb1",)),
        ("sdc", 64 << 20, "Big Enclosure", True, ()),  # not removable, and on USB
        ("mmcblk0", 8 << 20, "DG4008", False, ()),  # eMMC
        ("mmcblk1", 32 << 20, "SC32G", True, ()),  # a card
        ("vda", 64 << 20, "", False, ()),
    ],
)
def test_a_disk(disks: Disks, name: str, size: int, model: str, portable: bool, partitions: tuple[str, ...]) -> None:
    disk = disks.find(NODES[f"/dev/{name}"])
    assert disk
    assert (disk.name, disk.size, disk.model, disk.portable, disk.partitions) == (
        name,
        size,
        model,
        portable,
        partitions,
    )


def test_partitions_are_no_disks(disks: Disks) -> None:
    assert disks.find(NODES["/dev/sdb1"]) is None
    assert disks.whole(NODES["/dev/sdb1"]) == "sdb"
    assert disks.whole(NODES["/dev/sdb"]) == ""
    assert disks.find("99:99") is None


@pytest.mark.parametrize("name", FREE)
def test_nothing_uses_it(disks: Disks, name: str) -> None:
    disk = disks.find(NODES[f"/dev/{name}"])
    assert disk
    assert disks.uses(disk) == []


@pytest.mark.parametrize(
    ("change", "uses"),
    [
        ({"proc/self/mountinfo": "36 1 8:16 / /mnt rw - vfat /dev/sdb rw"}, ["sdb is mounted at /mnt"]),
        ({"proc/self/mountinfo": r"36 1 8:17 / /media/my\040stick rw shared:1 - vfat /dev/sdb1 rw"},
         ["sdb1 is mounted at /media/my stick"]),
        # btrfs shows a number of its own, and names one of its disks.
        ({"proc/self/mountinfo": "36 1 0:52 /@ / rw - btrfs /dev/sdb1 rw"}, ["sdb1 is mounted at /"]),
        ({"proc/self/mountinfo": "36 1 8:17 / /a rw - ext4 /dev/sdb1 rw\n37 1 8:17 / /b rw - ext4 /dev/sdb1 rw"},
         ["sdb1 is mounted at /a", "sdb1 is mounted at /b"]),
        ({"proc/self/mountinfo": "36 1 8:33 / /mnt rw - vfat /dev/sdc1 rw"}, []),
        ({"proc/self/mountinfo": "36 1 0:9 / /mnt rw - nfs4 server:/dev/sdb rw\n37 odd\n\n38 1 8:16 - - -"}, []),
        ({"proc/swaps": "Filename Type Size\n/dev/sdb1 partition 1 0 -2\n/swapfile file 1 0 -3"},
         ["sdb1 is swap space"]),
        ({"sys/class/block/sdb/sdb1/holders/dm-0": "", "sys/class/block/dm-0/dev": "253:0",
          "sys/class/block/dm-0/dm/name": "luks-1"}, ["sdb1 is part of dm-0 (luks-1)"]),
        ({"sys/class/block/sdb/holders/md0": "", "sys/class/block/md0/dev": "9:0"}, ["sdb is part of md0"]),
        # On top of one another, and mounted only there.
        ({"sys/class/block/sdb/sdb1/holders/dm-0": "", "sys/class/block/dm-0/dev": "253:0",
          "sys/class/block/dm-0/holders/dm-1": "", "sys/class/block/dm-1/dev": "253:1",
          "proc/self/mountinfo": "36 1 253:1 / /home rw - ext4 /dev/mapper/home rw"},
         ["dm-1 is mounted at /home", "sdb1 is part of dm-0", "dm-0 is part of dm-1"]),
        ({"sys/class/block/loop0/loop/backing_file": "/dev/sdb"}, ["sdb is part of loop0"]),
        ({"sys/class/block/loop0/loop/backing_file": "/srv/sdb"}, []),
        ({"etc/fstab": "# a comment\nUUID=AB-1 /data vfat defaults 0 2"}, ["/etc/fstab mounts sdb1 at /data"]),
        ({"etc/fstab": "LABEL=\"STICK\" /data vfat nofail 0 2 # mine"}, ["/etc/fstab mounts sdb1 at /data"]),
        ({"etc/fstab": "/dev/sdb1 none swap sw 0 0"}, ["/etc/fstab mounts sdb1 at none"]),
        ({"etc/fstab": "UUID=AB-1 /media/stick vfat noauto,user 0 0\nUUID=CD /x ext4\nnone\n"}, []),
        ({"proc/17/comm": "dd", "proc/17/fd/3 -> ": "/dev/sdb", "proc/17/fd/1 -> ": "pipe:[5]"},
         ["process 17 (dd) has sdb open"]),
        ({"proc/17/comm": "dd", "proc/17/fd/3 -> ": "/dev/sdb1", "proc/17/fd/4 -> ": "/dev/sdb1"},
         ["process 17 (dd) has sdb1 open"]),
        ({f"proc/{os.getpid()}/fd/3 -> ": "/dev/sdb"}, []),
        ({"proc/17/comm": "less", "proc/17/fd/3 -> ": "/srv/sdb"}, []),
    ],
    ids=repr,
)  # fmt: skip
def test_uses(tmp_path: Path, change: dict[str, str], uses: list[str]) -> None:
    disks = machine(tmp_path, change)
    disk = disks.find(NODES["/dev/sdb"])
    assert disk
    assert disks.uses(disk) == uses


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    disks = Disks(tmp_path)
    assert disks.candidates() == []
    assert disks.find("8:0") is None


def test_numbers(tmp_path: Path) -> None:
    """Only below /dev, since anything else may be on a server that does not answer."""
    assert module.number_of("/dev/null") == ""  # no block device
    assert module.number_of("/dev/missing") == module.number_of("sdb") == module.number_of(f"{tmp_path}") == ""
    assert module.number(0x0810) == "8:16"


def test_the_machine_has_what_the_table_names() -> None:
    assert set(FREE) <= {name.partition("/")[0] for name in MACHINE}
    numbers = [NODES[f"/dev/{name.rpartition('/')[2]}"] for name in MACHINE]
    assert len(set(numbers)) == len(numbers), "or the order of a directory decides which disk a number is"
