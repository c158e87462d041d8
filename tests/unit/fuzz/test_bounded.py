"""The bounds hold, or the fuzzers would show nothing."""

from __future__ import annotations

import re

import pytest

from tests.unit.fuzz.bounded import BYTES, bounded


def test_what_takes_too_long() -> None:
    with pytest.raises(AssertionError, match="took more than"), bounded():
        re.fullmatch("(a+)+b", "a" * 60)


def test_what_takes_too_much() -> None:
    with pytest.raises(MemoryError), bounded():
        bytearray(2 * BYTES)


def test_afterwards_there_are_none() -> None:
    with bounded():
        pass
    assert len(bytearray(BYTES)) == BYTES
