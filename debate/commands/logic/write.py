"""Write an ISO to a disk, such as a USB stick, and read it back.

The disk is open exclusively from before it is looked at until the end: nobody can mount it or its partitions
meanwhile. Its first bytes, with the partition tables and boot code, are zero until everything else is on it. So a disk
that was not written to the end does not start, and nothing mounts it.

Sources: open(2) (O_EXCL of block devices, O_DIRECT), linux/fs.h (ioctls of block devices), UEFI specification 2.10, 5.3
(the copy of a GPT at the end of a disk).
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import hashlib
import mmap
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.errors import DebateError, Place, Problem
from debate.host.beneath import Tree, chunks
from debate.host.disks import Disk, Disks, number
from debate.images.kinds import ISO
from debate.images.results import names_of_images
from debate.steps.boot import Slice
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.artifact import Artifact
    from debate.model import Activity
    from debate.steps.work import ProfileBuild

_BLOCK = 4 << 20
"""Bytes that are written and read at a time, and held in memory."""
_SECTOR = 512
"""Bytes in a sector, for the partition tables of the ISO."""
_END = 1 << 20
"""Bytes at the end of a disk in which partition tables have a copy, and RAID its description."""
_BLKRRPART = 0x125F
"""Read the partition table again."""
_BLKFLSBUF = 0x1261
"""Forget what is cached of the disk."""
_PATIENCE = 3.0
"""Seconds in which programs that look at each new disk, such as udev, close it again."""
_SHOWN = 3
"""Uses of a disk that are told."""


def require(device: str, yes: str) -> None:
    """There must be a disk to write to, and somebody to ask. Raises DebateError, with all disks if none is named."""
    disks = Disks()
    if not device:
        raise _choice(disks)
    _refuse(disks, _found(disks, device), device)
    if yes and yes != device:
        raise DebateError(f"--yes names {yes}, and --device {device}", "name the same disk in both", place="write")
    if not (yes or sys.stdin.isatty()):
        remedy = f"--yes {device} answers it"
        raise DebateError("there is no terminal for the question whether to erase it", remedy, place=device)


def write(
    build: ProfileBuild, device: str, ask: Callable[[str], str], *, confirmed: bool, disks: Disks | None = None
) -> dict[str, Any]:
    """Write the last build to ``device``, after ``ask`` has returned its name unless that is ``confirmed``.

    Returns the report. Raises DebateError.
    """
    disks = disks or Disks()
    iso = build.outputs("iso")["iso"]
    name = names_of_images(build.name, build.slice("boot", Slice).architecture)[ISO.rule]
    with _opened(disks, device) as (target, disk):
        _refuse(disks, disk, device)
        _require_size(disk, device, iso)
        if not confirmed:
            _confirm(disk, device, f"{name} ({bytes_shown(iso.size)})", ask)
        started = time.monotonic()
        content = _content(build, iso, build.directory / name)
        again = _Writing(target, disk, device, build.builder.activity).all(content, iso, build.builder.say)
    seconds = time.monotonic() - started
    what = f"{name} is on {device} ({_described(disk)}), written and read back in {seconds:.0f} s: {iso.digest}"
    return {
        "note": what + ("" if again else "; unplug it before its partitions are used, since Linux has the old ones")
    }


def _content(build: ProfileBuild, iso: Artifact, path: Path) -> Iterator[bytes]:
    """The ISO, from the cache, or else as it was built or pulled. Nothing verifies it. Raises DebateError."""
    if build.store.has(iso):
        yield from build.store.content(iso)
        return
    try:
        with Tree(path.parent) as tree, tree.open(path.name) as file:
            yield from chunks(file, iso.size)
    except OSError as error:
        raise DebateError(f"{error.strerror}", "build it again", place=shown(path)) from None


# Which disk -----------------------------------------------------------------------------------------


def _choice(disks: Disks) -> DebateError:
    """The refusal of a command line that names no disk, with those that there are."""
    found = disks.candidates()
    rows = [(f"/dev/{disk.name}", bytes_shown(disk.size), disk.model or "-", _state(disks, disk)) for disk in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    free = [disk for disk in found if disk.portable and not disk.read_only and not disks.uses(disk)]
    fact = "no disk is named" if found else "no disk is named, and none is there"
    remedy = f"for example --device /dev/{free[0].name}" if free else "plug in a stick, and run the same command again"
    return DebateError.of([Problem(Place("write"), fact, remedy)], details="\n".join(lines))


def _state(disks: Disks, disk: Disk) -> str:
    """What to know about a disk in a list."""
    why = ["read-only"] if disk.read_only else disks.uses(disk)[:1]
    return f"refused: {why[0]}" if why else "removable" if disk.portable else "not removable: a disk of this machine?"


def _found(disks: Disks, device: str) -> Disk:
    """The disk that ``device`` names. Raises DebateError."""
    try:
        found = os.stat(device)
    except (OSError, ValueError) as error:
        fact = getattr(error, "strerror", None) or str(error)
        raise DebateError(fact, "without --device, all disks are shown", place=device) from None
    if not stat.S_ISBLK(found.st_mode):
        raise DebateError("is no disk", "copy the ISO with cp; --device names a disk such as /dev/sdb", place=device)
    disk = disks.find(number(found.st_rdev))
    if disk:
        return disk
    whole = disks.whole(number(found.st_rdev))
    remedy = f"name the whole disk: --device /dev/{whole}" if whole else "without --device, all disks are shown"
    raise DebateError("is a partition" if whole else "is unknown to this kernel", remedy, place=device)


def _refuse(disks: Disks, disk: Disk, device: str) -> None:
    """Raises DebateError for a disk that cannot be written, or that anything uses."""
    if disk.optical:
        raise DebateError("is a drive for discs", "burn the ISO: xorriso -as cdrecord -v dev=…", place=device)
    if not disk.size:
        raise DebateError("has no medium", "insert one", place=device)
    if disk.read_only:
        raise DebateError("is read-only", "move the switch on the card, or use another disk", place=device)
    if disk.sector != _SECTOR:
        fact = f"has sectors of {disk.sector:,} bytes, and the partition table of an ISO counts in {_SECTOR}"
        raise DebateError(f"{fact}, so it would not start", "use another stick", place=device)
    uses = _lasting(disks, disk)
    if uses:
        more = f", and {len(uses) - _SHOWN} more" if len(uses) > _SHOWN else ""
        fact = f"is in use: {'; '.join(uses[:_SHOWN])}{more}"
        raise DebateError(fact, "unmount or stop that first, or use another disk", place=device)


def _lasting(disks: Disks, disk: Disk) -> Sequence[str]:
    """What uses a disk, without programs that only look at it for a moment."""
    deadline = time.monotonic() + _PATIENCE
    while (uses := disks.uses(disk)) and all(use.startswith("process ") for use in uses):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return uses


def _require_size(disk: Disk, device: str, iso: Artifact) -> None:
    if disk.size < iso.size:
        fact = f"has {disk.size:,} bytes, and the ISO {iso.size:,}"
        raise DebateError(fact, "use a larger stick", place=device)


def _confirm(disk: Disk, device: str, what: str, ask: Callable[[str], str]) -> None:
    warning = "" if disk.portable else " It is not removable: is it a disk of this machine?"
    parts = f" with {', '.join(disk.partitions)}" if disk.partitions else ""
    question = f"{device} is {disk.name}: {_described(disk)}{parts}. All that is on it will be lost.{warning}\n"
    if ask(f"{question}Type {disk.name} to write {what} to it: ") not in (disk.name, f"/dev/{disk.name}"):
        raise DebateError("was not confirmed, so nothing was written", f"type {disk.name}", place=device)


def _described(disk: Disk) -> str:
    return ", ".join(filter(None, (disk.model, bytes_shown(disk.size))))


@contextmanager
def _opened(disks: Disks, device: str) -> Iterator[tuple[int, Disk]]:
    """A disk for this process alone, past the page cache: what is read comes from the disk. Raises DebateError."""
    disk = _found(disks, device)
    _refuse(disks, disk, device)
    try:
        target = os.open(device, os.O_RDWR | os.O_EXCL | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        busy = "is in use, such as by ZFS, or where this process does not see it"
        fact = busy if error.errno == errno.EBUSY else str(error.strerror)
        raise DebateError(fact, "stop that first, or use another disk", place=device) from None
    try:
        if number(os.fstat(target).st_rdev) != disk.number:
            raise DebateError("has just become another disk", "run the same command again", place=device)
        yield target, disk
    finally:
        os.close(target)


# Writing --------------------------------------------------------------------------------------------


class _Writing:
    """One disk that is written and read back."""

    def __init__(self, target: int, disk: Disk, device: str, activity: Activity) -> None:
        self._target, self._disk, self._device, self._activity = target, disk, device, activity
        self._buffer = mmap.mmap(-1, _BLOCK)  # O_DIRECT wants whole pages.
        self._done = 0
        activity.written = lambda: self._done

    def all(self, content: Iterable[bytes], iso: Artifact, say: Callable[[str], None]) -> bool:
        """Write ``content``, which must be ``iso``, and read it back.

        False if the kernel still has the disk's old partitions. Raises DebateError.
        """
        self._activity.total = iso.size
        with self._told_if_incomplete(say):
            first, sums = self._write(content, iso)
            self._read_back(first, sums, iso)
            self._finish(first)
        with suppress(OSError):
            fcntl.ioctl(self._target, _BLKRRPART)
            return True
        return not self._disk.partitions  # Some disks never have any.

    @contextmanager
    def _told_if_incomplete(self, say: Callable[[str], None]) -> Iterator[None]:
        """Whatever the reason: an error, or a signal, which ends the process, and maybe not in this thread."""
        told = partial(say, f"{self._device} is incomplete, and does not start: run the same command again")
        atexit.register(told)
        try:
            yield
        except Exception:
            atexit.unregister(told)
            told()
            raise
        atexit.unregister(told)

    def _write(self, content: Iterable[bytes], iso: Artifact) -> tuple[bytes, list[int]]:
        """Write everything but the first block, which is returned, with the checksum of each block."""
        self._activity.show("writing")
        first, digest, sums = b"", hashlib.sha256(), list[int]()
        with self._failing("written"):
            self._put(bytes(min(_BLOCK, self._disk.size)), 0)
            end = max(_rounded(iso.size), self._disk.size - _END)
            self._put(bytes(self._disk.size - end), end)
        for block in _blocks(content, _BLOCK):
            digest.update(block)
            sums.append(zlib.crc32(block))
            if not first:
                first = block
            else:
                with self._failing("written"):
                    self._put(block, (len(sums) - 1) * _BLOCK)
            self._done = min(iso.size, len(sums) * _BLOCK)
        if keys.digest(digest.hexdigest()) != iso.digest:
            remedy = "run doit fsck, and build it again"
            raise DebateError("the ISO is not what the build says of it", remedy, place=self._device)
        with self._failing("written"):
            os.fsync(self._target)
        return first, sums

    def _read_back(self, first: bytes, sums: Sequence[int], iso: Artifact) -> None:
        """Compare everything but the first block with what was written."""
        self._activity.show("reading back")
        self._done, digest = len(first), hashlib.sha256(first)
        with self._failing("read back"):
            fcntl.ioctl(self._target, _BLKFLSBUF)
        for position, wanted in zip(range(_BLOCK, iso.size, _BLOCK), sums[1:], strict=True):
            with self._failing("read back"):
                block = self._get(min(_BLOCK, iso.size - position), position)
            digest.update(block)
            if zlib.crc32(block) != wanted:
                raise self._forgetful(position)
            self._done = position + len(block)
        if keys.digest(digest.hexdigest()) != iso.digest:
            raise self._forgetful(0)

    def _finish(self, first: bytes) -> None:
        """Write the first block, with which the disk starts."""
        with self._failing("written"):
            self._put(first, 0)
            os.fsync(self._target)
            fcntl.ioctl(self._target, _BLKFLSBUF)
            kept = self._get(len(first), 0) == first
        if not kept:
            with suppress(OSError):
                self._put(bytes(len(first)), 0)
            raise self._forgetful(0)

    def _forgetful(self, position: int) -> DebateError:
        fact = f"does not keep what is written: it reads differently after {bytes_shown(position)}"
        return DebateError(fact, "use another stick", place=self._device)

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Tell of errors of the disk."""
        try:
            yield
        except OSError as error:
            gone = not Path(f"/sys/class/block/{self._disk.name}").exists()
            fact = "was unplugged" if gone else f"cannot be {what} ({error.strerror})"
            where = f"after {bytes_shown(self._done)} of {bytes_shown(self._activity.total)}"
            remedy = "plug it in again" if gone else "try another port, or another stick"
            raise DebateError(f"{fact} {where}", remedy, place=self._device) from None

    def _put(self, data: bytes, position: int) -> None:
        """Write ``data``, followed by zeros up to a whole sector. Raises OSError."""
        for start in range(0, len(data), _BLOCK):
            part = data[start : start + _BLOCK]
            size = _rounded(len(part))
            self._buffer[:size] = part.ljust(size, b"\0")
            self._move(partial(os.pwrite, self._target), size, position + start, errno.ENOSPC)

    def _get(self, size: int, position: int) -> bytes:
        self._move(lambda view, at: os.preadv(self._target, [view], at), _rounded(size), position, errno.EIO)
        return self._buffer[:size]

    def _move(self, call: Callable[[memoryview, int], int], size: int, position: int, nothing: int) -> None:
        """Write or read the first ``size`` bytes of the buffer. Raises OSError, ``nothing`` if it ends before."""
        done = 0
        with memoryview(self._buffer) as view:
            while done < size:
                with view[done:size] as part:
                    count = call(part, position + done)
                if not count:
                    raise OSError(nothing, os.strerror(nothing))
                done += count


def _blocks(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """``content`` in parts of ``size`` bytes, of which the last may be shorter."""
    waiting = bytearray()
    for data in content:
        waiting += data
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


def _rounded(size: int) -> int:
    """Up to whole sectors."""
    return -(-size // _SECTOR) * _SECTOR
