"""Fonts of strangers."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.text import pf2

ASCII = range(0x20, 0x7F)


def font(
    points: Iterable[int] = ASCII, *, name: bytes = b"A font\0", size: int = 8, kept: int = 0, cut: int = 0
) -> bytes:
    """One whose characters have a picture of ``size`` by ``size`` pixels."""
    points = list(points)
    head = pf2.SIGNATURE + b"NAME" + struct.pack(">I", len(name)) + name
    start = len(head) + 8 + 9 * len(points) + 8
    glyph = struct.pack(">HHhhh", size, size, 0, 0, size) + bytes((size * size + 7) // 8)
    index = b"".join(struct.pack(">IBI", point, kept, start + n * len(glyph)) for n, point in enumerate(points))
    data = glyph * len(points)
    whole = head + b"CHIX" + struct.pack(">I", len(index)) + index + b"DATA\xff\xff\xff\xff" + data
    return whole[: len(whole) - cut]


def test_a_font() -> None:
    assert pf2.fault(font()) is None
    assert pf2.fault(font(range(0x20, 0x400), size=40)) is None


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (pf2.SIGNATURE, "it ends too early"),
        (font()[:40], "it ends too early"),
        (font(cut=1), "no picture of character 0x7e, or too large a one"),
        (font(name=b""), "it has no name, or no index"),
        (font(name=b"A font"), "it has no name, or no index"),
        (font()[:-8].replace(b"CHIX", b"CHIY"), "lacks characters of ASCII: "),
        (font(kept=1), "its characters are compressed"),
        (font(size=257), "no picture of character 0x20, or too large a one"),
        (font([*ASCII, 0x100, 0xFF]), "its index is not sorted"),
        (font(range(0x21, 0x7E)), "lacks characters of ASCII:   ~"),
    ],
)
def test_what_boot_loaders_do_not_read(content: bytes, fact: str) -> None:
    found = pf2.fault(content)
    assert found is not None
    assert fact in found[0]


@given(st.binary(max_size=200), st.integers(0, 80))
def test_anything(junk: bytes, at: int) -> None:
    pf2.fault(pf2.SIGNATURE + junk)
    whole = font(size=1)
    pf2.fault(whole[: len(pf2.SIGNATURE) + at] + junk + whole[len(pf2.SIGNATURE) + at :])
