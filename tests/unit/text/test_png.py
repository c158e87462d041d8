"""Pictures of strangers, and one's own."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from debate.text import png


def picture(mode: str = "RGB", size: tuple[int, int] = (4, 3), form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 7 if mode == "P" else None).save(file, form)
    return file.getvalue()


def packed(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png._chunk(*chunk) for chunk in chunks)


def header(width: int = 2, height: int = 2, *, depth: int = 8, colours: int = 2, interlace: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlace)


ROWS = (b"\0" + b"abcdef") * 2
END = (b"IEND", b"")


def of(rows: bytes, **fields: int) -> bytes:
    return packed((b"IHDR", header(**fields)), (b"IDAT", zlib.compress(rows)), END)


def test_large_pictures_are_packed_in_several_blocks() -> None:
    rows = [[(row % 256, column % 256, 7) for column in range(200)] for row in range(200)]
    made = png.written(rows)
    assert png.fault(made) is None
    with Image.open(io.BytesIO(made)) as shown:
        assert [shown.getpixel((column, row)) for row in range(200) for column in range(200)] == [
            *itertools.chain(*rows)
        ]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
@pytest.mark.parametrize("size", [(1, 1), (4, 3), (4096, 1), (700, 500)])
def test_what_others_write(mode: str, size: tuple[int, int]) -> None:
    made = picture(mode, size)
    if made[24] == 8:  # Pillow packs a few colours into fewer bits.
        assert png.fault(made) is None
    else:
        assert png.fault(made) == ("a form of PNG that boot loaders do not read", png._CONVERT)


def test_data_in_several_chunks_with_others_between() -> None:
    data = zlib.compress(ROWS)
    chunks = [(b"IHDR", header()), (b"tEXt", b"x\0y"), (b"IDAT", data[:5]), (b"IDAT", data[5:]), END]
    assert png.fault(packed(*chunks)) is None
    assert png.fault(packed(*chunks) + b"more") is None


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "not a PNG"),
        (picture(form="BMP"), "not a PNG"),
        (picture()[:20], "a damaged PNG: it ends too early"),
        (picture()[:-1], "a damaged PNG: it ends too early"),
        (packed((b"IHDR", header())), "a damaged PNG: it ends too early"),
        (of(ROWS)[:-20] + b"x" + of(ROWS)[-19:], "a damaged PNG: a checksum is wrong"),
        (packed(END), "a damaged PNG: it does not begin with its header"),
        (packed((b"IHDR", b"x"), END), "a damaged PNG: it does not begin with its header"),
        (of(ROWS, width=5000), "5,000 by 2 pixels"),
        (of(ROWS, height=0), "2 by 0 pixels"),
        (of(ROWS, depth=16), "a form of PNG that boot loaders do not read"),
        (of(ROWS, depth=1, colours=0), "a form of PNG that boot loaders do not read"),
        (of(ROWS, colours=7), "a form of PNG that boot loaders do not read"),
        (of(ROWS, interlace=1), "a form of PNG that boot loaders do not read"),
        (of(b"\0ab" * 2, colours=3), "a damaged PNG: it has no palette"),
        (of(b"\5abcdef" * 2), "a damaged PNG: a row has a filter that there is not"),
        (of(ROWS[:7]), "a damaged PNG: it has fewer rows than its header says"),
        (of(ROWS + ROWS), "a damaged PNG: it has more rows than its header says"),
        (packed((b"IHDR", header()), END), "a damaged PNG: it has fewer rows than its header says"),
        (packed((b"IHDR", header()), (b"IDAT", b"xyz"), END), "a damaged PNG: it cannot be unpacked"),
    ],
)  # fmt: skip
def test_what_boot_loaders_do_not_show(content: bytes, fact: str) -> None:
    found = png.fault(content)
    assert found is not None
    assert found[0] == fact


def test_a_small_file_with_very_many_rows() -> None:
    """4 GB of zeros: no more is unpacked than the header says."""
    stream = zlib.compressobj(9)
    block = stream.compress(bytes(1 << 24))
    data = block + b"".join(stream.compress(bytes(1 << 24)) for _ in range(8)) + stream.flush()
    found = png.fault(packed((b"IHDR", header(64, 64)), (b"IDAT", data), END))
    assert found is not None
    assert found[0].endswith("more rows than its header says")


@given(st.data())
def test_any_damage_is_told(data: st.DataObject) -> None:
    whole = of(ROWS)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    assert png.fault(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]) is not None
