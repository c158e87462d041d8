"""Fonts of GRUB, and whether one of somebody else is whole.

Sources: GRUB's developer manual, "PFF2 file format"; grub-core/font/font.c of GRUB.
"""

from __future__ import annotations

import struct
from itertools import pairwise

SIGNATURE = b"FILE\0\0\0\4PFF2"
_NEEDED = range(0x20, 0x7F)
"""Characters that titles have."""
_LARGEST = 256
"""Pixels of a character in each direction: a menu of larger ones has no room for words."""
_REMEDY = "make it again with grub-mkfont, or name a .ttf or .otf"


def fault(content: bytes) -> tuple[str, str] | None:
    """Why GRUB could not use a font, and what to do; None for one that is whole and has all printable ASCII."""
    sections, at, kind = dict[bytes, bytes](), 0, b""
    while kind != b"DATA":
        if len(content) < at + 8:
            return "a damaged font: it ends too early", _REMEDY
        kind, size = struct.unpack_from(">4sI", content, at)
        at += 8
        if kind != b"DATA":
            sections[kind] = content[at : at + size]
            at += size
    index = sections.get(b"CHIX", b"")
    if len(index) % 9 or not sections.get(b"NAME", b"").endswith(b"\0"):
        return "a damaged font: it has no name, or no index", _REMEDY
    places = dict[int, int]()
    for point, kept, place in struct.iter_unpack(">IBI", index):
        if kept:
            return "a damaged font: its characters are compressed, which GRUB does not read", _REMEDY
        if not _is_glyph(content, place):
            return f"a damaged font: no picture of character {point:#x}, or too large a one", _REMEDY
        places[point] = place
    if any(one >= other for one, other in pairwise(places)):
        return "a damaged font: its index is not sorted", _REMEDY
    if lacking := [chr(point) for point in _NEEDED if point not in places]:
        return f"lacks characters of ASCII: {' '.join(lacking[:10])}", "choose another font"
    return None


def _is_glyph(content: bytes, place: int) -> bool:
    """True if the picture of a character is there, as a whole."""
    if len(content) < place + 10:
        return False
    width: int
    height: int
    width, height = struct.unpack_from(">HH", content, place)
    return width <= _LARGEST and height <= _LARGEST and len(content) >= place + 10 + (width * height + 7) // 8
