"""Which pictures of a screen are a desktop that is there."""

from __future__ import annotations

import random

import pytest

from debate.qemu.screen import Motion, Screen

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


@pytest.mark.parametrize(("seconds", "wanted"), [(0, 5), (3, 6), (4, 7), (30, 15)])
def test_the_boot_menu_stays_only_so_long(seconds: int, wanted: int) -> None:
    screen = Screen.longer_than(seconds, 3)
    assert [screen.stays(picture(0.9)) for _ in range(wanted)] == [*[False] * (wanted - 1), True]


A, B, C, D = (picture(0.1, 0.0002, seed=seed) for seed in range(4))


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([A, A, A], "+  "),
        ([A, B, A, B, B, A], "++    "),  # a cursor that blinks
        ([A, B, A, C, D, C, D], "++ ++  "),  # and one that wrote a character meanwhile
        ([A, B, C, D], "++++"),  # a splash, though little of it moves
        ([b"", picture(0), b"", b"P6\n1", picture(0)], " +   "),
    ],
)
def test_a_screen_on_which_something_goes_on(pictures: list[bytes], expected: str) -> None:
    motion = Motion()
    assert "".join("+" if motion.goes_on(each) else " " for each in pictures) == expected
