"""Puts composed files together from their parts, in bounded memory: see `debate.composition`."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from debate import keys
from debate.artifact import Artifact
from debate.composition import Composition, Extent
from debate.host.beneath import chunks
from debate.host.copying import send

_CHUNK = 1 << 20
_GZIP = zlib.MAX_WBITS | 16

Open = Callable[[Artifact], BinaryIO]
"""Opens an object for reading, unbuffered or not. Raises OSError."""


def write(composition: Composition, parts: Open, target: BinaryIO) -> None:
    """Write the file to ``target``, which is empty. Its digest is not verified.

    What the file system can share with a part takes no space. Raises OSError, and ValueError for a template that does
    not fit.
    """
    for piece in _pieces(composition, parts):
        if isinstance(piece, bytes):
            target.write(piece)
        else:
            target.flush()
            with parts(piece.artifact) as part:
                send(part.fileno(), target.fileno(), piece.artifact.size)


def content(composition: Composition, parts: Open) -> Iterator[bytes]:
    """The file in parts of bounded size. Its digest is not verified.

    Raises OSError, and ValueError for a template that does not fit.
    """
    for piece in _pieces(composition, parts):
        if isinstance(piece, bytes):
            yield piece
        else:
            with parts(piece.artifact) as part:
                yield from chunks(part, piece.artifact.size)


def is_right(composition: Composition, parts: Open) -> bool:
    """True if its parts make the file that has its digest. Reads all of them. Raises OSError."""
    digest = hashlib.sha256()
    try:
        for data in content(composition, parts):
            digest.update(data)
    except ValueError:
        return False
    return keys.digest(digest.hexdigest()) == composition.whole.digest


def _pieces(composition: Composition, parts: Open) -> Iterator[bytes | Extent]:
    """The file in its order: bytes of the template, and extents. Raises ValueError for a template that does not fit."""
    unpacker = zlib.decompressobj(_GZIP)
    with parts(composition.template) as template:
        for size, extent in composition.gaps():
            yield from _unpacked(unpacker, template, size)
            if extent:
                yield extent
        # The checksum at the end counts, too, and nothing may follow.
        try:
            more = unpacker.decompress(unpacker.unconsumed_tail + template.read(_CHUNK), 1)
        except zlib.error as error:
            raise ValueError("a damaged template") from error
        if more or not unpacker.eof or unpacker.unused_data:
            raise ValueError("a template that is longer than what it is for")


def _unpacked(unpacker: zlib._Decompress, template: BinaryIO, size: int) -> Iterator[bytes]:
    """The next ``size`` bytes of the template. Raises ValueError."""
    while size:
        packed = b"" if unpacker.eof else unpacker.unconsumed_tail or template.read(_CHUNK)
        try:
            data = unpacker.decompress(packed, min(size, _CHUNK))
        except zlib.error as error:
            raise ValueError("a damaged template") from error
        if not data and not packed:  # What follows the member's end is not even read.
            raise ValueError("a template that is shorter than what it is for")
        size -= len(data)
        yield data
