"""Words that are others but for one letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from debate.text.suggest import is_slip

WORDS = st.text("ab-", min_size=1, max_size=6)


@given(WORDS, st.integers(0, 6), st.sampled_from("abc-"))
def test_a_slip_is_one_letter(word: str, at: int, letter: str) -> None:
    begin, end = word[:at], word[at:]
    for typed in (begin + letter + end, begin + end[1:], begin + letter + end[1:], begin + end[1::-1] + end[2:]):
        assert is_slip(typed, word) == is_slip(word, typed) == (typed != word)


@given(WORDS, WORDS)
def test_what_is_more_is_another_word(word: str, name: str) -> None:
    assert not is_slip(f"xy{word}", name)
    assert not is_slip(word, f"{name}xy")
    assert not is_slip(word, word)
