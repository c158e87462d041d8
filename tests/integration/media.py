"""Media that people put an ISO on, beside a disc and a stick with nothing else.

Sources: boot.S and diskboot.S of GRUB (what follows the boot code), kern/rescue_parser.c (its first commands).
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_SECTOR = 512
_FIRST = 2048
"""Sector at which partitions begin."""
_ROOM = 64 << 20
_TABLE = 446
"""Byte at which the partitions of an MBR begin."""
_FAT32, _LINUX = 0x0C, 0x83
_LOADER = """\
set iso_path=/isos/it.iso
export iso_path
loopback loop (hd0,msdos1)/isos/it.iso
set root=(loop)
configfile /boot/grub/loopback.cfg
"""
"""What a GRUB with loopback.cfg in its menu does."""
_MODULES = ("biosdisk", "configfile", "echo", "ext2", "iso9660", "linux", "loopback", "normal", "part_msdos", "probe",
            "search", "serial", "terminal", "test")  # fmt: skip


def with_a_partition(iso: Path, target: Path) -> Path:
    """A stick with the ISO, to which its owner has added a partition."""
    shutil.copy(iso, target)
    start = -(-target.stat().st_size // (1 << 20)) * (1 << 20)
    with target.open("r+b") as file:
        file.truncate(start + _ROOM)
        table = _table(file.read(_SECTOR))
        assert 0xEE not in [entry[0] for entry in table], "for a GPT, this would have to be an entry in it"
        _enter(target, len(table), _LINUX, start // _SECTOR, _ROOM // _SECTOR)
    subprocess.run(["mke2fs", "-q", "-F", "-E", f"offset={start}", target, f"{_ROOM >> 10}k"], check=True)
    return target


def copied_to_fat(tree: Path, target: Path) -> Path:
    """A stick that has no more of an ISO than its files."""
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) + _ROOM
    with target.open("wb") as file:
        file.truncate(_FIRST * _SECTOR + size)
    sectors = size // _SECTOR
    subprocess.run(["mkfs.fat", "-F", "32", "--offset", str(_FIRST), target, str(sectors // 2)], check=True)
    _enter(target, 0, _FAT32, _FIRST, sectors)
    argv = ["mcopy", "-s", "-Q", "-i", f"{target}@@{_FIRST * _SECTOR}", *sorted(tree.iterdir()), "::/"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return target


def file_on_a_disk(iso: Path, work: Path, target: Path) -> Path:
    """A disk with GRUB for BIOS and the ISO as a file on ext4."""
    (work / "isos").mkdir(parents=True)
    shutil.copy(iso, work / "isos" / "it.iso")
    size = iso.stat().st_size + _ROOM
    config, core = work.with_suffix(".cfg"), work.with_suffix(".core")
    config.write_text(_LOADER)
    modules = Path("/usr/lib/grub/i386-pc")
    argv = ["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-c", config, "-o", core, *_MODULES]
    subprocess.run(argv, check=True)
    assert core.stat().st_size < (_FIRST - 1) * _SECTOR
    with target.open("wb") as file:
        # In place of the partitions it has code for floppy disks.
        file.write((modules / "boot.img").read_bytes()[:_TABLE].ljust(_SECTOR, b"\0"))
        file.write(core.read_bytes())  # boot.img and core.img expect each other just so.
        file.truncate(_FIRST * _SECTOR + size)
    _enter(target, 0, _LINUX, _FIRST, size // _SECTOR)
    argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", work, "-E", f"offset={_FIRST * _SECTOR}", target]
    subprocess.run([*argv, f"{size >> 10}k"], check=True)
    return target


def _table(sector: bytes) -> list[tuple[int, int, int]]:
    """Type, start and size of each partition in an MBR."""
    entries = (sector[_TABLE + 16 * number : _TABLE + 16 * number + 16] for number in range(4))
    found = [(entry[4], *struct.unpack("<II", entry[8:])) for entry in entries]
    return [(kind, start, size) for kind, start, size in found if kind]


def _enter(disk: Path, number: int, kind: int, start: int, size: int) -> None:
    """Write a partition into an MBR."""
    with disk.open("r+b") as file:
        file.seek(_TABLE + 16 * number)
        file.write(struct.pack("<B3xB3xII", 0, kind, start, size))
        file.seek(510)
        file.write(b"\x55\xaa")
