"""Foreign text drives no terminal and reads as it is stored."""

from __future__ import annotations

import pytest

from debate.text.printable import printable

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, (*range(9), *range(10, 32), *range(127, 160))))


@pytest.mark.parametrize("character", [*BIDIRECTIONAL, *CONTROLS, "\u2028", "\u2029", "\ufeff", "\udcff"])
def test_what_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a?b"


@pytest.mark.parametrize("text", ["", "a\tb c", "größe", "日本語", "עברית", "🙂"])
def test_what_stays(text: str) -> None:
    assert printable(text) == text
