"""What the store keeps, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from debate import keys

MOST_BYTES = 1 << 44
"""Maximum size of an artifact: that of a file in ext4 with blocks of 4 KiB."""


@dataclass(frozen=True)
class Artifact:
    """A file in the cache."""

    digest: str
    """``sha256:HEX``."""
    size: int
    """Bytes."""

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The artifact with this content."""
        return cls(keys.sha256(data), len(data))

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The artifact in a record, an action or a statement, none of which is trusted: digests become paths.

        Raises ValueError for anything but an object with exactly a digest and a size.
        """
        if not isinstance(value, dict) or value.keys() != {"digest", "size"}:
            raise ValueError("not a digest and a size")
        digest, size = value["digest"], value["size"]
        if not keys.is_digest(digest) or type(size) is not int or not 0 <= size <= MOST_BYTES:
            raise ValueError("not a valid digest and size")
        return cls(digest, size)
