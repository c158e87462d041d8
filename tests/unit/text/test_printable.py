"""Foreign text drives no terminal and no CI system, and reads as it is stored."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.text.printable import LONGEST, inert, printable, readable, shortened
from tests.unit.frontend.github import obeyed

REFUSED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode's categories of characters that are not shown."""


def test_what_is_replaced() -> None:
    """All that moves the cursor, hides or reorders text, whatever Unicode adds."""
    for number in range(0x110000):
        character = chr(number)
        if unicodedata.category(character) in REFUSED and character != "\t":
            assert printable(character) == "?", hex(number)


@pytest.mark.parametrize("text", ["", "a\tb c", "größe", "日本語", "עברית", "🙂"])
def test_what_stays(text: str) -> None:
    assert printable(text) == text == readable(text)


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
        assert all(c.isprintable() or c in "\n\t" for c in log)


def test_a_long_line_is_cut_with_a_note() -> None:
    assert shortened("a" * LONGEST) == "a" * LONGEST
    assert shortened("a" * (LONGEST + 3)) == "a" * LONGEST + "… (3 more characters)"
