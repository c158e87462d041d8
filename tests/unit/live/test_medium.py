"""What names an ISO, and the archive that brings it into an initramfs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.live import cpio, medium
from tests.integration import cpio as reader

DIGITS = "0123456789abcdef" * 4
_JOLIET = 64
"""Characters of a file's name in a Joliet tree: Windows and macOS copy the file under this name."""


def test_the_name_is_of_the_config_hash() -> None:
    name = medium.medium(DIGITS)
    assert name == "01234567-89ab-cdef-0123-456789abcdef"
    assert medium.file(name) == f".disk/live-uuid-{name}"
    assert len(medium.file(name).rpartition("/")[2]) <= _JOLIET


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_other_hashes_have_other_names(digits: str) -> None:
    other = f"{(int(digits[0], 16) + 1) % 16:x}{digits[1:]}"
    assert medium.medium(digits) != medium.medium(other)


def test_the_volume_is_named_by_its_time() -> None:
    assert medium.volume_uuid(1_000_000_000) == "2001-09-09-01-46-40-00"


@pytest.mark.parametrize("content", [b"", b"a", b"abcd\n", bytes(4099)])
def test_an_archive(content: bytes) -> None:
    made = cpio.archive("conf", "uuid.conf", content)
    assert len(made) % 4 == 0, "the next one begins at a multiple of four"
    assert reader.files(made + cpio.archive("a", "b", b"c")) == {
        "conf": b"", "conf/uuid.conf": content, "TRAILER!!!": b"", "a": b"", "a/b": b"c",
    }  # fmt: skip
