"""Composed files for tests: their parts, and the bytes that they make."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from debate import keys
from debate.artifact import Artifact
from debate.cache.store import Store
from debate.composition import Composition, Extent

SIZE = 70_000
"""Bytes of each part."""


def part(name: str) -> bytes:
    """A file of `SIZE` bytes that no other name has."""
    return (keys.sha256(name.encode()).encode() * (SIZE // 71 + 1))[:SIZE]


def made(store: Store, *names: str, between: Sequence[bytes] = ()) -> tuple[Composition, bytes]:
    """A file of the parts ``names``, with ``between`` before each and after the last, whose parts are in the store."""
    gaps = [*between, *[b"between"] * (len(names) + 1 - len(between))]
    whole, extents = b"", []
    for gap, name in zip(gaps, names, strict=False):
        extents.append(Extent(len(whole + gap), store.put(part(name))))
        whole += gap + part(name)
    template = store.put(gzip.compress(b"".join(gaps), mtime=0))
    whole += gaps[-1]
    return Composition(Artifact(keys.sha256(whole), len(whole)), template, tuple(extents)), whole


def composed(store: Store, *names: str) -> tuple[Composition, bytes]:
    """The same, kept in the store."""
    composition, whole = made(store, *names)
    store.compose(composition)
    return composition, whole
