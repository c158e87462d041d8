"""A composition: a large file as objects that the store has anyway, and a template with the bytes between them.

    {"whole": {"digest", "size"}, "template": {"digest", "size"}, "extents": [{"offset", "digest", "size"}, …]}

An extent is one whole object, at that offset of the file. The template is a gzip member (RFC 1952) with all bytes that
are in no extent, in their order. Nothing else decides a byte, and the digest of the whole tells whether it is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from debate.artifact import Artifact
from debate.text import strict_json

SMALLEST = 64 << 10
"""Bytes of the smallest file that becomes an extent. An object costs a file, a request and a few hundred bytes."""
MOST_EXTENTS = 4096
MOST_BYTES = 1 << 20
"""Bytes of a composition as JSON; an extent takes about 130."""
_OVERHEAD = 1 << 10
"""Bytes by which a gzip member can be longer than what is in it, besides 5 in 16 KiB; see deflateBound in zlib.h."""


@dataclass(frozen=True)
class Extent:
    """One object within the file."""

    offset: int
    """Bytes from the start of the file."""
    artifact: Artifact


@dataclass(frozen=True)
class Composition:
    """How to put one file together."""

    whole: Artifact
    template: Artifact
    extents: tuple[Extent, ...]
    """In the order of their offsets, without overlaps."""

    def __post_init__(self) -> None:
        """Raises ValueError for extents and a template that cannot make the file."""
        if len(self.extents) > MOST_EXTENTS:
            raise ValueError(f"more than {MOST_EXTENTS:,} extents")
        end = 0
        for extent in self.extents:
            if extent.artifact.size < 1 or extent.offset < end or extent.artifact.digest == self.whole.digest:
                raise ValueError("extents that are empty, overlap, are not in order or are the file itself")
            end = extent.offset + extent.artifact.size
        if end > self.whole.size:
            raise ValueError("an extent beyond the end of the file")
        if self.template.size > self.between + (self.between >> 10) + _OVERHEAD:
            raise ValueError("a template that is larger than what it is for")

    @property
    def between(self) -> int:
        """Bytes of the file that are in no extent: those in the template, unpacked."""
        return self.whole.size - sum(extent.artifact.size for extent in self.extents)

    @property
    def parts(self) -> tuple[Artifact, ...]:
        """The objects that the file is made of, each once, the template first."""
        return tuple(dict.fromkeys((self.template, *(extent.artifact for extent in self.extents))))

    def gaps(self) -> Iterator[tuple[int, Extent | None]]:
        """Pairs of bytes to take from the template, and the extent that follows them; None after the last."""
        end = 0
        for extent in self.extents:
            yield extent.offset - end, extent
            end = extent.offset + extent.artifact.size
        yield self.whole.size - end, None

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The composition in ``data``, which nobody vouches for. Raises ValueError."""
        if len(data) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        found = strict_json.decode(data)
        if found.keys() != {"whole", "template", "extents"} or not isinstance(found["extents"], list):
            raise ValueError("not the fields of a composition")
        extents = tuple(map(_extent, found["extents"]))
        return cls(Artifact.from_json(found["whole"]), Artifact.from_json(found["template"]), extents)

    def to_json(self) -> bytes:
        """The JSON text, which is always the same for the same composition."""
        extents = [{"offset": extent.offset, **vars(extent.artifact)} for extent in self.extents]
        value = {"whole": vars(self.whole), "template": vars(self.template), "extents": extents}
        return json.dumps(value, separators=(",", ":")).encode()


def _extent(value: Any) -> Extent:
    if not isinstance(value, dict) or type(value.get("offset")) is not int or value["offset"] < 0:
        raise ValueError("an extent without an offset")
    return Extent(value["offset"], Artifact.from_json({name: value[name] for name in value if name != "offset"}))
