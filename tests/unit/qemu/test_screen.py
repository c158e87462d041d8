"""Which pictures of a screen are a desktop that is there."""

from __future__ import annotations

import random

import pytest

from debate.qemu.screen import Screen

SIZE = 64 * 48


def picture(lit: float, changed: float = 0, *, seed: int = 0) -> bytes:
    """A picture of which ``lit`` is not black, and ``changed`` other than in one with the same ``lit``."""
    shade = random.Random(seed)  # noqa: S311 - no secret
    values = bytearray(200 if number < SIZE * 3 * lit else 5 for number in range(SIZE * 3))
    for _ in range(int(SIZE * 3 * changed)):
        values[shade.randrange(len(values))] = 90
    return b"P6\n64 48\n255\n" + bytes(values)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([picture(0.9)] * 5, True),
        ([picture(0.9)] * 4, False),
        ([picture(0.05)] * 9, False),
        ([picture(0)] * 9, False),
        ([b""] * 9, False),
        ([b"P6\n1"] * 9, False),
        ([b"\x89PNG\r\n"] * 9, False),
        ([picture(0.9, 0.001, seed=seed) for seed in range(9)], True),
        ([picture(0.9, 0.2, seed=seed) for seed in range(9)], False),
        ([*[picture(0.9)] * 4, picture(0.5), *[picture(0.9)] * 4], False),
        ([*[picture(0.9)] * 4, b"", *[picture(0.9)] * 4], False),
        ([picture(0), *[picture(0.9)] * 5], True),
    ],
)
def test_a_picture_that_stays(pictures: list[bytes], expected: bool) -> None:
    screen = Screen()
    seen = [screen.stays(each) for each in pictures]
    assert any(seen) == expected
