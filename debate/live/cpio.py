"""Small archives for an initramfs.

Source: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html (newc).
"""

from __future__ import annotations

_DIRECTORY, _FILE = 0o40755, 0o100644


def archive(directory: str, name: str, content: bytes) -> bytes:
    """One directory with one file."""
    entries = (
        _entry(1, directory, _DIRECTORY, b"", links=2),
        _entry(2, f"{directory}/{name}", _FILE, content),
        _entry(0, "TRAILER!!!", 0, b""),
    )
    return b"".join(entries)


def _entry(number: int, name: str, mode: int, content: bytes, *, links: int = 1) -> bytes:
    owner, group, time, device = 0, 0, 0, (0, 0, 0, 0)
    size = len(name) + 1
    values = (number, mode, owner, group, links, time, len(content), *device, size, 0)
    head = b"070701" + "".join(f"{value:08X}" for value in values).encode() + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
