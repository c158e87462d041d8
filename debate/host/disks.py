"""The disks of this machine, and what uses them.

Sources: Documentation/ABI/testing/sysfs-block and sysfs-class-block of Linux, proc_pid_mountinfo(5), proc_swaps(5),
fstab(5), udev(7).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from debate.text.lines import lines_of

_SECTOR = 512
"""Bytes in what sysfs counts sizes in, whatever the disk's own sectors are."""
_MOST = 1 << 20
"""Bytes that are read of a file of /proc or /sys."""
_OPTICAL = "5"
"""The type of a SCSI device that is a CD or DVD drive."""
_PART_OF_CARD = re.compile(r"mmcblk[0-9]+(boot[0-9]+|rpmb|gp[0-9]+)")
"""Parts of an eMMC that are disks of their own for Linux."""


@dataclass(frozen=True)
class Disk:
    """A block device that is no partition."""

    name: str
    """Its name in /sys/class/block, such as ``sdb``."""
    number: str
    """``MAJOR:MINOR``."""
    size: int
    """Bytes; 0 without a medium."""
    sector: int
    """Bytes in one of its sectors."""
    model: str
    """What it says of itself, which may be anything; empty if it says nothing."""
    portable: bool
    """True if it is removable, a card, or on a bus for what is plugged in."""
    physical: bool
    """True if it is a piece of hardware, or of a virtual machine's."""
    optical: bool
    read_only: bool
    partitions: tuple[str, ...]
    """Their names."""


def number_of(path: str) -> str:
    """The device number of a block device, or of what a link below /dev leads to; empty for anything else.

    Nothing else is looked at: it may be on a server that does not answer.
    """
    if not path.startswith("/dev/"):
        return ""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ""
    return number(found.st_rdev) if stat.S_ISBLK(found.st_mode) else ""


def number(device: int) -> str:
    """The device number st_rdev as the kernel writes it."""
    return f"{os.major(device)}:{os.minor(device)}"


class Disks:
    """Reads what the kernel tells of all disks."""

    def __init__(self, root: Path = Path("/"), number_of: Callable[[str], str] = number_of) -> None:
        """``root``: where sys, proc and etc are."""
        self._block, self._proc, self._etc = root / "sys/class/block", root / "proc", root / "etc"
        self._number_of = number_of

    def candidates(self) -> list[Disk]:
        """All disks that someone could have plugged in to write to, by name: hardware with a medium, no drive for CDs.

        Some are in use, or part of this machine.
        """
        found = (self._disk(name) for name in sorted(self._names()))
        return [disk for disk in found if disk and disk.physical and disk.size and not disk.optical]

    def find(self, number: str) -> Disk | None:
        """The disk with a device number; None for a partition, and for what the kernel does not know."""
        return next(
            (disk for name in self._names() if self._number(name) == number and (disk := self._disk(name))), None
        )

    def whole(self, number: str) -> str:
        """The name of the disk that the partition with a device number is on; empty if it is no partition."""
        for name in self._names():
            if self._number(name) == number and self._text(name, "partition"):
                return Path(os.path.realpath(self._block / name)).parent.name
        return ""

    def uses(self, disk: Disk) -> list[str]:
        """What uses a disk, its partitions, or what is made of them: a few words each. Empty if nothing does."""
        names = self._made_of(disk.name, *disk.partitions)
        numbers = {number: name for name in names if (number := self._number(name))}
        own = {disk.name, *disk.partitions}
        found = [
            *(f"{numbers[number]} is mounted at {point}" for number, point in self._mounted() if number in numbers),
            *(f"{numbers[number]} is swap space" for number in self._swaps() if number in numbers),
            *(f"{names[name]} is part of {self._called(name)}" for name in names if name not in own),
            *(
                f"/etc/fstab mounts {numbers[number]} at {point}"
                for number, point in self._fstab()
                if number in numbers
            ),
            *(f"process {process} has {numbers[number]} open" for process, number in self._open(set(numbers))),
        ]
        return list(dict.fromkeys(found))

    # What there is ---------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._block)
        except OSError:
            return []

    def _text(self, name: str, attribute: str) -> str:
        return _text(self._block / name / attribute)

    def _number(self, name: str) -> str:
        return self._text(name, "dev")

    def _disk(self, name: str) -> Disk | None:
        number, sectors = self._number(name), self._text(name, "size")
        if not number or self._text(name, "partition"):
            return None
        path = self._block / name
        device = os.path.realpath(path / "device")
        words = [self._text(name, f"device/{part}") for part in ("vendor", "model")]
        model = " ".join(" ".join(word for word in words if word != "ATA" and not word.startswith("0x")).split())
        return Disk(
            name=name,
            number=number,
            size=int(sectors) * _SECTOR if sectors.isascii() and sectors.isdecimal() else 0,
            sector=int(self._text(name, "queue/logical_block_size") or _SECTOR),
            model=model or self._text(name, "device/name"),
            portable=self._text(name, "removable") == "1"
            or "/usb" in device
            or self._text(name, "device/type") == "SD",
            physical=(path / "device").exists() and not _PART_OF_CARD.fullmatch(name),
            optical=self._text(name, "device/type") == _OPTICAL,
            read_only=self._text(name, "ro") == "1",
            partitions=tuple(sorted(self._partitions(path))),
        )

    def _partitions(self, path: Path) -> Iterator[str]:
        with suppress(OSError):
            yield from (each for each in os.listdir(path) if (path / each / "partition").exists())

    # What uses it ----------------------------------------------------------------------------------

    def _made_of(self, *names: str) -> dict[str, str]:
        """``names`` and the devices that are made of them, such as those of LVM, each with the one below it."""
        found, pending = dict.fromkeys(names, ""), list(names)
        while pending:
            below = pending.pop()
            path = self._block / below
            with suppress(OSError):
                for name in sorted(os.listdir(path / "holders")):
                    if name not in found:
                        found[name] = below
                        pending.append(name)
            for name in self._names():  # A loop device does not hold what it shows.
                number = self._number_of(self._text(name, "loop/backing_file"))
                if number and number == self._number(below) and name not in found:
                    found[name] = below
                    pending.append(name)
        return found

    def _called(self, name: str) -> str:
        given = self._text(name, "dm/name")
        return f"{name} ({given})" if given else name

    def _mounted(self) -> Iterator[tuple[str, str]]:
        """Device number and mount point of each file system that this process sees."""
        for line in lines_of(_text(self._proc / "self/mountinfo")):
            before, _, after = line.partition(" - ")
            fields, more = before.split(), after.split()
            if len(fields) > 4 and len(more) > 1:
                point = _unescaped(fields[4])
                yield fields[2], point
                # That of btrfs and others is none of a disk.
                yield self._number_of(_unescaped(more[1])), point

    def _swaps(self) -> Iterator[str]:
        for line in lines_of(_text(self._proc / "swaps"))[1:]:
            yield self._number_of(_unescaped(line.partition(" ")[0].partition("\t")[0]))

    def _fstab(self) -> Iterator[tuple[str, str]]:
        """Device number and mount point of each line of fstab that is mounted when this machine starts."""
        for line in lines_of(_text(self._etc / "fstab")):
            fields = line.split("#", 1)[0].split()
            if len(fields) < 4 or "noauto" in fields[3].split(","):
                continue
            tag, equals, value = fields[0].partition("=")
            value = value.strip('"')
            path = f"/dev/disk/by-{tag.lower()}/{value}" if equals else _unescaped(fields[0])
            yield self._number_of(path), _unescaped(fields[1])

    def _open(self, numbers: set[str]) -> Iterator[tuple[str, str]]:
        """Process, with its name, and device number, of each other process that has one of the devices open."""
        for process in self._proc.glob("[0-9]*"):
            if process.name == str(os.getpid()):
                continue
            for number in sorted({self._number_of(path) for path in _descriptors(process)} & numbers):
                yield f"{process.name} ({_text(process / 'comm')})", number


def _descriptors(process: Path) -> Iterator[str]:
    """What a process has open, as far as it still has."""
    with suppress(OSError):
        for name in os.listdir(process / "fd"):
            with suppress(OSError):
                yield os.readlink(process / "fd" / name)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode(errors="replace").strip()
    except OSError:
        return ""


def _unescaped(text: str) -> str:
    """A path of /proc or fstab, where octal digits stand for spaces and the like."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
