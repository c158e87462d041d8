"""JSON objects as this program writes them. Everything else that Python's parser accepts is refused.

All JSON that this process has not just written itself is read here: records, actions and locks, and what registries,
guests, helpers and other processes say.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

_LEVELS = 64
"""Objects and lists within each other. Code that walks through them calls itself once or more for each."""
_DIGITS = 20
"""Of an integer: more than any of 64 bits has."""


class TwiceError(ValueError):
    """An object has two fields of one ``name``: programs disagree on which of them counts."""

    def __init__(self, name: str) -> None:
        super().__init__(f"field {name!r} is written twice")
        self.name = name


class NumberError(ValueError):
    """What is written as ``text`` is no number, or too large a one."""

    def __init__(self, text: str, fact: str) -> None:
        super().__init__(f"{text[:40]} is {fact}")
        self.text = text


def decode(data: bytes | str) -> dict[str, Any]:
    """The object in ``data``, UTF-8 or text that was decoded from it. Raises ValueError.

    Refused are NaN, infinities, numbers that become one (NumberError), names that occur twice in an object
    (TwiceError), what is nested too deeply, and halves of surrogate pairs, which nothing can show or write.
    """
    text = data if isinstance(data, str) else data.decode()
    try:
        value = json.loads(
            text,
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
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TwiceError(next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1))
    return found


def _refuse(text: str) -> Any:
    raise NumberError(text, "no number")


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise NumberError(text, "too large")
    return found


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise NumberError(text, "too large")
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
