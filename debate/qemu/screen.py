"""Whether a guest's screen shows something that stays, as a desktop does, or something that moves.

Source: ppm(5), the form P6, in which QEMU's monitor writes screenshots.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Self

_BLACK = 16
"""Values of a colour up to this are black."""
_LIT = 0.2
"""Share of all values that must not be black: text on a console has a tenth."""
_CHANGED = 0.01
"""Share that may change between two pictures that are the same: a clock, a cursor."""
_HEADER = re.compile(rb"\AP6\s+[0-9]{1,5}\s+[0-9]{1,5}\s+255\s")
_SHADES = bytes(int(value > _BLACK) for value in range(256))
_EACH = 7
"""Of so many values one is compared."""


class Screen:
    """The pictures of a screen, one after the other."""

    def __init__(self, needed: int = 5) -> None:
        self._needed, self._same, self._last = needed, 0, b""

    @classmethod
    def longer_than(cls, seconds: int, between: int) -> Self:
        """One for pictures ``between`` seconds apart, of which those of ``seconds`` are not enough."""
        return cls(5 + -(-seconds // between))

    def stays(self, picture: bytes) -> bool:
        """True once the last pictures were all the same and not black."""
        values = _values(picture)
        lit = values and values.translate(_SHADES).count(1) / len(values) >= _LIT
        same = lit and len(values) == len(self._last) and _difference(values, self._last) <= _CHANGED
        self._same = self._same + 1 if same else int(bool(lit))
        self._last = values
        return self._same >= self._needed


class Motion:
    """Whether something moves on a screen. A cursor that blinks makes two pictures in turn, however large it is."""

    def __init__(self) -> None:
        self._seen: deque[bytes] = deque(maxlen=2)

    def goes_on(self, picture: bytes) -> bool:
        """True if a picture is neither of the last two different ones. What is no picture never is."""
        new = bool(_HEADER.search(picture, 0, 64)) and picture not in self._seen
        if new:
            self._seen.append(picture)
        return new


def _values(picture: bytes) -> bytes:
    """Some of the values of a picture; empty for what is none."""
    found = _HEADER.search(picture, 0, 64)
    return picture[found.end() :: _EACH] if found else b""


def _difference(one: bytes, other: bytes) -> float:
    """The share of values that differ."""
    return sum(map(int.__ne__, one, other)) / len(one)
