"""Foreign text drives no terminal and no CI system, and reads as it is stored."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.text.printable import LONGEST, inert, printable, readable, shortened
from tests.unit.frontend.github import obeyed

REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of characters that are not shown."""
FROM_THE_RIGHT = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
"""Its bidirectional classes of characters that reorder what is around them."""
IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Default_Ignorable_Code_Point, in DerivedCoreProperties.txt of Unicode 16."""
BLANK = re.compile(r"\b(BLANK|NULL NOTEHEAD|(SCRIPT|HANGUL) FILLER|JOINER|SIGNWRITING LOCATION-\w+ SPACE|OBJECT REPL)")
"""In the names of characters that are drawn as nothing. `BLANK SYMBOL` is not."""


def is_unfit(character: str) -> bool:
    number, name = ord(character), unicodedata.name(character, "")
    return (
        unicodedata.category(character) in REFUSED
        or unicodedata.bidirectional(character) in FROM_THE_RIGHT
        or any(first <= number <= last for first, last in IGNORABLE)
        or (BLANK.search(name) is not None and name != "BLANK SYMBOL")
    )


def test_what_is_replaced() -> None:
    """All that moves the cursor, hides or reorders text, whatever Unicode adds."""
    for number in range(0x110000):
        character = chr(number)
        if is_unfit(character) and character != "\t":
            assert printable(character) == "?", hex(number)
            assert printable(f"a{character}ü") == "a?ü"


def test_no_other_script_suffers() -> None:
    """What is replaced beyond that are spaces, and the digits and marks of scripts that are written from the right."""
    more = [c for c in map(chr, range(0x110000)) if printable(c) == "?" and not is_unfit(c) and c != "?"]
    scripts = {unicodedata.name(c).partition(" ")[0] for c in more if unicodedata.category(c) != "Zs"}
    assert scripts <= {
        "ADLAM", "ARABIC", "ARABIC-INDIC", "AVESTAN", "CHORASMIAN", "EXTENDED", "GARAY", "HANIFI", "HEBREW", "INDIC",
        "KHAROSHTHI", "LARGE", "MANDAIC", "MANICHAEAN", "MENDE", "NKO", "OLD", "ORNATE", "PHOENICIAN", "SAMARITAN",
        "SMALL", "SOGDIAN", "SYRIAC", "THAANA", "TINY", "YEZIDI",
    }, scripts  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\tb c",
        "größe",
        "日本語",
        "🙂",
        "한국어",
        "Ελλάδα",
        "Україна",
        "हिन्दी",
        "ไทย",
        "မြန်မာ",
        "ខ្មែរ",
        "አማርኛ",
        "ქართული",
        "ᠮᠣᠩᠭᠣᠯ",
    ],
)
def test_what_stays(text: str) -> None:
    assert printable(text) == text == readable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u3164b", "a?b"), ("\u115f\u2800", "??"), ("x\u034f\ufe0f\U000e0100", "x???"), ("⚠\ufe0f", "⚠?"),
        ("\u05d0: is fine; \u0661", "?: is fine; ?"), ("/\u0634/\U0001e900", "/?/?"),
    ],
)  # fmt: skip
def test_letters_that_hide_or_reorder(text: str, shown: str) -> None:
    assert printable(text) == shown == printable(shown)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::error file=a::b", ": :error file=a::b"),
        (" \t::add-mask::x", " \t: :add-mask::x"),
        ("one\n::add-mask::x", "one\n: :add-mask::x"),
        (":::x", ": ::x"),
        ("  > x ##[error]y ##[group]", "  > x ## [error]y ## [group]"),
        ("x ##vso[task.setvariable]", "x ##vso [task.setvariable]"),
        ("##teamcity[message]", "##teamcity [message]"),
        ("section_start:1:x", "section_start :1:x"),
        ("init=a::b ip=[::1] # [c] ## d", "init=a::b ip=[::1] # [c] ## d"),
    ],
)
def test_text_is_no_command(text: str, expected: str) -> None:
    assert inert(text) == expected
    assert inert(expected) == expected


def test_on_github_no_place_is_safe() -> None:
    assert inert("a ::b:: [::1] :::", github=True) == "a : :b: : [: :1] : : :"


PIECES = st.sampled_from(
    ["::", ":", "##[", "##", "[", "add-mask", "x", " ", "\n", "\r", "\r\n", "\t", "\x1b", "\u3000", "\x85"]
)
LOGS = st.lists(PIECES | st.characters(), max_size=12).map("".join)


@given(LOGS)
def test_no_text_is_obeyed(text: str) -> None:
    for github in (False, True):
        log = readable(text, github=github)
        assert obeyed(log)[1] == []
        assert readable(log, github=github) == log
        assert all(c in "\n\t" or not is_unfit(c) for c in log)


def test_a_long_line_is_cut_with_a_note() -> None:
    assert shortened("a" * LONGEST) == "a" * LONGEST
    assert shortened("a" * (LONGEST + 3)) == "a" * LONGEST + "… (3 more characters)"
