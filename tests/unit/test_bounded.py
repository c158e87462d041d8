"""The bounds hold, or the tests that use them would show nothing."""

from __future__ import annotations

import os
import re

import pytest

from tests.bounded import BYTES, bounded


def test_what_takes_too_long() -> None:
    with pytest.raises(AssertionError, match=r"took more than 0\.1 s of the processor"), bounded(processor=0.1):
        re.fullmatch("(a+)+b", "a" * 60)


def test_what_waits() -> None:
    reader, writer = os.pipe()
    with pytest.raises(AssertionError, match=r"took more than 0\.1 s$"), bounded(seconds=0.1):
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_what_takes_too_much() -> None:
    with pytest.raises(MemoryError), bounded():
        bytearray(2 * BYTES)


def test_afterwards_there_are_none() -> None:
    with bounded():
        pass
    assert len(bytearray(BYTES)) == BYTES
