"""Known files are found in a stream, wherever they are and however it arrives; nothing else is taken for one."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.artifact import Artifact
from debate.composition import SMALLEST, Composition
from debate.sandbox.known_parts import Finder, Known
from tests.bounded import bounded
from tests.composed import part

SECTOR = 2048
PARTS = {
    "one": part("one"),
    "two": part("two") * 3,
    "starts as one": part("one")[:50_000] + part("other"),
    "one and more": part("one") + part("two"),
    "zeros": bytes(SMALLEST),
    "small": b"small" * 100,
}


def taken_apart(stream: bytes, names: Sequence[str], sizes: Sequence[int]) -> tuple[Composition | None, bytes]:
    """The composition and what its template and the parts make, fed in chunks of ``sizes``, again and again."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        known = []
        for part_name in names:
            (directory / part_name).write_bytes(PARTS[part_name])
            data = PARTS[part_name]
            known.append(Known(str(directory / part_name), keys.sha256(data), len(data)))
        at = number = 0
        with Finder(known, directory / "template.gz") as finder:
            while at < len(stream):
                size = sizes[number % len(sizes)]
                finder.feed(stream[at : at + size])
                at, number = at + size, number + 1
            found = finder.finish(Artifact(keys.sha256(stream), len(stream)))
        if found is None:
            return None, b""
        template = (directory / "template.gz").read_bytes()
        assert found.template == Artifact(keys.sha256(template), len(template))
        rest, contents, whole = gzip.decompress(template), {keys.sha256(data): data for data in PARTS.values()}, b""
        for size, extent in found.gaps():
            whole += rest[:size] + (contents[extent.artifact.digest] if extent else b"")
            rest = rest[size:]
        assert not rest
        return found, whole


PIECES = st.tuples(st.sampled_from(sorted(PARTS)), st.integers(1, 300_000), st.binary(max_size=50), st.booleans())
"""A known file, or its start, then other bytes, up to the next sector or not."""


def stream_of(pieces: Sequence[tuple[str, int, bytes, bool]]) -> bytes:
    """The bytes of `PIECES`."""
    stream = b""
    for name, end, more, padded in pieces:
        stream += PARTS[name][:end] + more
        stream += bytes(-len(stream) % SECTOR * padded)
    return stream


@given(
    st.lists(PIECES, max_size=6),
    st.lists(st.sampled_from(sorted(PARTS)), min_size=1, unique=True),
    st.lists(st.integers(1000, 200_000), min_size=1, max_size=5),
)
def test_what_was_taken_apart_is_the_stream(
    pieces: list[tuple[str, int, bytes, bool]], names: list[str], sizes: list[int]
) -> None:
    found, whole = taken_apart(stream_of(pieces), names, sizes)
    assert found is None or whole == stream_of(pieces)


def test_every_file_is_found() -> None:
    pieces = [b"head".ljust(16 * SECTOR), PARTS["one"], PARTS["two"], b"between", PARTS["one"], PARTS["starts as one"]]
    stream = b"".join(piece + bytes(-len(piece) % SECTOR) for piece in pieces)
    for size in (1000, SECTOR, 1 << 20):
        found, whole = taken_apart(stream, ["one", "two", "starts as one"], [size])
        assert whole == stream
        assert found is not None
        names = {keys.sha256(data): name for name, data in PARTS.items()}
        assert [names[extent.artifact.digest] for extent in found.extents] == ["one", "two", "one", "starts as one"]
        assert found.template.size < 1000


def test_what_starts_like_a_file_again_and_again_costs_little() -> None:
    """A sector that starts a file of a megabyte, at each place: comparing stops soon."""
    stream = PARTS["two"][:SECTOR] * 10_000
    with bounded():
        found, _ = taken_apart(stream, ["two"], [1 << 20])
    assert found is None


def test_a_stream_without_known_files_has_no_composition() -> None:
    assert taken_apart(b"x" * 100_000, ["one", "two"], [5000])[0] is None
    assert taken_apart(b"", ["one"], [1])[0] is None
    assert taken_apart(PARTS["one"], ["one"], [5000])[0] is None, "it is that file"
    assert taken_apart(PARTS["small"], ["small"], [100])[0] is None
