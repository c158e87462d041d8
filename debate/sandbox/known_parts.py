"""Finds known files in a stream, such as the layers in an ISO, while the stream is written and hashed anyway.

Positions are found by comparing bytes, so nothing has to be believed about them. ISO 9660 starts each file at a sector
of 2048 bytes (ECMA-119, 6.1).
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from debate import keys
from debate.composition import MOST_EXTENTS, SMALLEST, Composition, Extent
from debate.model import Artifact

_SECTOR = 2048
_LEVEL = 6
"""Of zlib. What is left of an ISO without its large files is 2 MB of directories, boot images and padding."""
_GZIP = zlib.MAX_WBITS | 16
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Known:
    """A file that may be part of the stream."""

    path: str
    digest: str
    size: int

    @property
    def artifact(self) -> Artifact:
        return Artifact(self.digest, self.size)


class Finder:
    """Takes a stream apart into extents and a template, which it writes to a new file. To be used as a context."""

    def __init__(self, known: Iterable[Known], template: Path) -> None:
        """Raises OSError."""
        self._template = _Template(template)
        self._files = ExitStack()
        self._starts: dict[bytes, list[tuple[Known, int]]] = defaultdict(list)
        self._extents: list[Extent] = []
        self._position = 0  # In the stream, of the first byte that is in neither the template nor an extent.
        self._rest = b""  # What was fed from there on; less than a sector.
        self._candidates: list[tuple[Known, int]] = []  # What may start at `_position`, with their descriptors.
        self._same = 0  # Bytes from `_position` on that they have in common with the stream.
        for file in known:
            if file.size >= SMALLEST:
                descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                self._files.callback(os.close, descriptor)
                self._starts[os.pread(descriptor, _SECTOR, 0)].append((file, descriptor))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()
        self._template.file.close()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream. Raises OSError."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        at = 0
        while at < len(data):
            if self._candidates:
                at = self._compare(data, at)
            else:
                at = self._search(data, at)
                if not self._candidates:
                    self._rest = data[at:]
                    return

    def _search(self, data: bytes, at: int) -> int:
        """Pass over what starts no known file. Returns where one has started, or where a part of a sector is left."""
        start = at
        at += -self._position % _SECTOR
        if len(self._extents) >= MOST_EXTENTS:
            at = len(data)
        while at + _SECTOR <= len(data):
            found = self._starts.get(data[at : at + _SECTOR])
            if found:
                self._candidates, self._same = list(found), _SECTOR
                break
            at += _SECTOR
        at = min(at, len(data))
        self._template.write(data[start:at])
        self._position += at - start
        return at + self._same

    def _compare(self, data: bytes, at: int) -> int:
        """Compare with the files that may be here, at most as much again as is the same: so giving up costs little."""
        end = min(self._same * 2, *(known.size for known, _ in self._candidates))
        here = data[at : at + end - self._same]
        left = [each for each in self._candidates if os.pread(each[1], len(here), self._same) == here]
        if not left:
            self._give_up()
            return at
        self._candidates, self._same = left, self._same + len(here)
        for known, _ in left:
            if known.size == self._same:
                self._extents.append(Extent(self._position, known.artifact))
                self._position += self._same
                self._candidates, self._same = [], 0
                break
        return at + len(here)

    def _give_up(self) -> None:
        """None of the files is here as a whole: what they had in common with the stream belongs to the template."""
        _, descriptor = self._candidates[0]
        for start in range(0, self._same, _CHUNK):
            self._template.write(os.pread(descriptor, min(_CHUNK, self._same - start), start))
        self._position += self._same
        self._candidates, self._same = [], 0

    def finish(self, whole: Artifact) -> Composition | None:
        """The composition of ``whole``, the stream; None if it has no known file, or is one. Syncs the template."""
        if self._candidates:
            self._give_up()
        self._template.write(self._rest)
        template = self._template.finish()
        is_one = any(extent.artifact == whole for extent in self._extents)
        return Composition(whole, template, tuple(self._extents)) if self._extents and not is_one else None


class _Template:
    """The bytes that are in no known file, as a gzip member without a name or a time."""

    def __init__(self, path: Path) -> None:
        self.file: BinaryIO = path.open("xb")
        self._packed = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._hash, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._keep(self._packed.compress(data))

    def finish(self) -> Artifact:
        self._keep(self._packed.flush())
        self.file.flush()
        os.fsync(self.file.fileno())
        return Artifact(keys.digest(self._hash.hexdigest()), self._size)

    def _keep(self, data: bytes) -> None:
        self.file.write(data)
        self._hash.update(data)
        self._size += len(data)
