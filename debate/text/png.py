"""Pictures: PNGs that any reader shows, and whether one of somebody else is whole.

Sources: PNG specification, 3rd edition; RFC 1950 and 1951; grub-core/video/readers/png.c of GRUB.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

LARGEST = 4096
"""Pixels in each direction: more than screens have, and no more than boot loaders have memory for."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 6: 4}
"""Kind of colours that boot loaders read -> bytes of a pixel, with 8 bits each: grey, RGB, of a palette, RGBA."""
_PALETTE = 3
_FILTERS = 5
_BLOCK = 1 << 20
_CONVERT = "convert it, for example with `magick PICTURE -interlace none -depth 8 PNG24:NEW.png`"
_BROKEN = "take another copy of it, or save it again"


def written(rows: Iterable[Iterable[Iterable[int]]]) -> bytes:
    """A PNG of these rows of pixels, not compressed, since libraries compress in different ways."""
    lines = [b"".join(map(bytes, row)) for row in rows]
    data = b"".join(b"\0" + line for line in lines)
    blocks = b""
    for start in range(0, len(data), 0xFFFF):
        block = data[start : start + 0xFFFF]
        last = start + len(block) == len(data)
        blocks += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    packed = b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(data))
    header = struct.pack(">IIBBBBB", len(lines[0]) // 3, len(lines), 8, 2, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def fault(content: bytes) -> tuple[str, str] | None:
    """Why a boot loader would not show a picture, and what to do; None for one that is whole."""
    if not content.startswith(_SIGNATURE):
        return "not a PNG", _CONVERT
    try:
        chunks = list(_chunks(content))
    except ValueError as error:
        return f"a damaged PNG: {error}", _BROKEN
    kind, header = chunks[0]
    if kind != b"IHDR" or len(header) != 13:
        return "a damaged PNG: it does not begin with its header", _BROKEN
    width, height, depth, colours, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        return f"{width:,} by {height:,} pixels", f"scale it to at most {LARGEST:,} in each direction"
    if depth != 8 or colours not in _SAMPLES or interlace:
        return "a form of PNG that boot loaders do not read", _CONVERT
    if colours == _PALETTE and not any(kind == b"PLTE" and data for kind, data in chunks):
        return "a damaged PNG: it has no palette", _BROKEN
    packed = b"".join(data for kind, data in chunks if kind == b"IDAT")
    return _fault_of_rows(packed, 1 + width * _SAMPLES[colours], height)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each, up to the end. Raises ValueError for one that is not whole."""
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        if len(content) < at + 12:
            raise ValueError("it ends too early")
        size, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + size]
        at += 12 + size
        if len(content) < at:
            raise ValueError("it ends too early")
        if struct.unpack_from(">I", content, at - 4)[0] != zlib.crc32(kind + data):
            raise ValueError("a checksum is wrong")
        yield kind, data


def _fault_of_rows(packed: bytes, row: int, rows: int) -> tuple[str, str] | None:
    """What is wrong with the rows of a picture, each of ``row`` bytes, and what to do. Has one block in memory."""
    stream, done, wanted = zlib.decompressobj(), 0, row * rows
    try:
        while done <= wanted and not stream.eof:
            block = stream.decompress(packed, _BLOCK)
            packed = stream.unconsumed_tail
            if not block and not packed and not stream.eof:
                break
            if max(block[-done % row :: row], default=0) >= _FILTERS:
                return "a damaged PNG: a row has a filter that there is not", _BROKEN
            done += len(block)
    except zlib.error:
        return "a damaged PNG: it cannot be unpacked", _BROKEN
    if done != wanted:
        return f"a damaged PNG: it has {'more' if done > wanted else 'fewer'} rows than its header says", _BROKEN
    return None
