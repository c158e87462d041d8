"""Programs of UEFI, among them kernels: PE32+ files, which can have signatures.

Source: Microsoft's specification of the PE format (signature, optional header, data directories).
"""

from __future__ import annotations

import struct

HEAD = 4096
"""Bytes at the start of a program that have its headers."""
CERTIFICATES = 112 + 4 * 8
"""Where the optional header of PE32+ says where the table of certificates is, and its size."""


def has_signature(head: bytes) -> bool:
    """True if a program that starts with ``head`` has a table of certificates, whoever made them."""
    try:
        [start] = struct.unpack_from("<I", head, 0x3C)
        magic, kind = head[start : start + 4], head[start + 24 : start + 26]
        place, size = struct.unpack_from("<II", head, start + 24 + CERTIFICATES)
    except struct.error:
        return False
    return head[:2] == b"MZ" and magic == b"PE\0\0" and kind == b"\x0b\x02" and bool(place and size)
