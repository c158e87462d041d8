"""Sizes and ages as people write them."""

from __future__ import annotations

import pytest

from debate.errors import DebateError
from debate.text import amounts


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12", 12), ("1K", 1024), ("1.5GiB", 3 << 29), ("20 G", 20 << 30), ("2t", 2 << 40), ("3MB", 3 << 20)],
)
def test_size(text: str, size: int) -> None:
    assert amounts.size(text, "it") == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1X", "ten", "1 2", "9" * 400])
def test_no_size(text: str) -> None:
    with pytest.raises(DebateError, match=r"^it: .* is not a size; write bytes, or a number with K, M, G or T"):
        amounts.size(text, "it")


@pytest.mark.parametrize(
    ("text", "age"), [("90", 90), ("2m", 120), ("1.5h", 5400), ("30d", 2_592_000), ("1w", 604_800)]
)
def test_age(text: str, age: float) -> None:
    assert amounts.age(text, "it") == age


@pytest.mark.parametrize("text", ["", "d", "-1d", "1y", "9" * 400])
def test_no_age(text: str) -> None:
    with pytest.raises(DebateError, match=r"^it: .* is not a time"):
        amounts.age(text, "it")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1_500_000, "1.5 MB"),
        (194_000_000, "194 MB"),
        (1_500_000_000, "1.5 GB"),
    ],
)
def test_shown(number: int, text: str) -> None:
    assert amounts.bytes_shown(number) == text


def test_count() -> None:
    assert [amounts.count(number, "package") for number in (0, 1, 2)] == ["0 packages", "1 package", "2 packages"]
