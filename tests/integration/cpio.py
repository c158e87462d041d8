"""Reads what is in an initramfs: archives one after the other, of which the last one is compressed.

Source: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

_UNPACK = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def entries(packed: bytes) -> Iterator[tuple[str, int, str, bytes]]:
    """Path, mode, inode and content of everything. Of several names of a file, one has its content."""
    position = 0
    while position < len(packed):
        if packed[position : position + 4] == b"\0" * 4:
            position += 4
        elif packed[position : position + 6] != b"070701":
            rest = packed[position:]
            program = next(program for start, program in _UNPACK.items() if rest.startswith(start))
            yield from entries(subprocess.run([program, "-dc"], input=rest, capture_output=True).stdout)
            return
        else:
            inode, mode = (packed[position + at : position + at + 8].decode() for at in (6, 14))
            sizes = packed[position + 54 : position + 62], packed[position + 94 : position + 102]
            size, name_size = (int(digits, 16) for digits in sizes)
            start = position + 110 + name_size
            name = packed[position + 110 : start - 1].decode()
            start += -start % 4
            yield name.removeprefix("./"), int(mode, 16), inode, packed[start : start + size]
            position = start + size
            position += -position % 4


def files(packed: bytes) -> dict[str, bytes]:
    """Path -> content of each file."""
    return {path: content for path, _, _, content in entries(packed)}


def unpack(packed: bytes, directory: Path) -> None:
    """Unpack files, directories and links into ``directory``, as the kernel does."""
    names: dict[str, list[Path]] = {}
    for name, mode, inode, content in entries(packed):
        path = directory / name
        if stat.S_ISDIR(mode):
            path.mkdir(exist_ok=True)
        elif stat.S_ISLNK(mode):
            path.symlink_to(os.fsdecode(content))
        elif stat.S_ISREG(mode):
            names.setdefault(inode, []).append(path)
            if content:
                path.write_bytes(content)
                path.chmod(stat.S_IMODE(mode))
                for other in names.pop(inode)[:-1]:
                    other.hardlink_to(path)
