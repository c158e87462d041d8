"""Reads what is in an initramfs: archives one after the other, of which the last one is compressed.

Source: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html.
"""

from __future__ import annotations

import subprocess

_UNPACK = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def files(packed: bytes) -> dict[str, bytes]:
    """Path -> content of each file."""
    found: dict[str, bytes] = {}
    position = 0
    while position < len(packed):
        if packed[position : position + 4] == b"\0" * 4:
            position += 4
        elif packed[position : position + 6] != b"070701":
            rest = packed[position:]
            program = next(program for start, program in _UNPACK.items() if rest.startswith(start))
            return {**found, **files(subprocess.run([program, "-dc"], input=rest, capture_output=True).stdout)}
        else:
            sizes = packed[position + 54 : position + 62], packed[position + 94 : position + 102]
            size, name_size = (int(digits, 16) for digits in sizes)
            start = position + 110 + name_size
            name = packed[position + 110 : start - 1].decode()
            start += -start % 4
            found[name.removeprefix("./")] = packed[start : start + size]
            position = start + size
            position += -position % 4
    return found
