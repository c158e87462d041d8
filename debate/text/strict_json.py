"""JSON objects as this program writes them. Everything else that Python's parser accepts is refused."""

from __future__ import annotations

import json
import math
from typing import Any

_LEVELS = 64
"""Objects and lists within each other. Code that walks through them calls itself once or more for each."""
_DIGITS = 20
"""Of an integer: more than any of 64 bits has."""


def decode(data: bytes) -> dict[str, Any]:
    """The object in ``data``, UTF-8. Raises ValueError.

    Refused are NaN, infinities, numbers that become one, names that occur twice in an object, what is nested too
    deeply, and halves of surrogate pairs, which nothing can show or write.
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_integer,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if _is_deep(value):
        raise ValueError("nested too deeply")
    if b"\\u" in data:
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError.
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number is too large")
    return found


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _is_deep(value: dict[str, Any]) -> bool:
    level: list[Any] = [value]
    for _ in range(_LEVELS):
        level = [
            below
            for each in level
            for below in (each.values() if isinstance(each, dict) else each)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True
