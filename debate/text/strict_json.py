"""JSON objects as this program writes them. Everything else that Python's parser accepts is refused.

All JSON that this process has not just written itself is read here: records, actions and locks, and what registries,
guests, helpers and other processes say.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from typing import Any

MOST = 300_000
"""Tokens of a text: strings, and the brackets and commas that begin a value. Parsing takes about a microsecond for
each, and 150 bytes."""
MOST_OF_RECORD = 1_200_000
"""The same for what a build remembers: the tree of an overlay with 50,000 files has almost as many."""
_WIDE = 16 << 20
"""Bytes of a text with characters beyond the Basic Multilingual Plane: Python takes four bytes for each of its
characters then."""

_LEVELS = 64
"""Objects and lists within each other. Code that walks through them calls itself once or more for each."""
_WITH_LEVELS = (dict, list)
_DIGITS = 20
"""Of an integer: more than any of 64 bits has."""


class NotJSONError(ValueError):
    """A text is no JSON from this place on, in words of ours: Python's name its own parser."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"not JSON from line {line}, column {column} on")
        self.line = line


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


def decode(data: bytes | str, most: int = MOST) -> dict[str, Any]:
    """The object in ``data``, UTF-8 or text that was decoded from it. Raises ValueError, whose text is for people.

    Refused are NaN, infinities, numbers that become one (NumberError), names that occur twice in an object
    (TwiceError), what is nested too deeply, and halves of surrogate pairs, which nothing can show or write; and, before
    anything is parsed, what has more than ``most`` tokens. The caller bounds the bytes.
    """
    if isinstance(data, bytes) and len(data) > _WIDE and _BEYOND.search(data):
        raise ValueError("too large")
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 from byte {error.start + 1} on") from None
    if _has_more(text, most):
        raise ValueError(f"more than {most:,} values, names and brackets")
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
    except json.JSONDecodeError as error:
        raise NotJSONError(error.lineno, error.colno) from None
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


_ONE = r'"(?:[^"\\]++|\\.)*+"?+|[\[{,]'
"""A token. A string without an end ends with the text, so that none begins inside it."""
_EACH = 1000
"""Tokens that one match of `_TOKENS` takes, or else it takes the rest: a match for each of a million takes as long as
parsing them."""
_TOKEN = re.compile(_ONE, re.DOTALL)
_TOKENS = re.compile(rf'(?:[^"\[{{,]*+(?:{_ONE})){{{_EACH}}}+()|.++', re.DOTALL)
_BEYOND = re.compile(rb"[\xf0-\xf4]")


def _has_more(text: str, most: int) -> bool:
    """True if ``text`` has more than ``most`` tokens. They are counted one by one only if strings may have them."""
    if sum(map(text.count, "[{,")) + (text.count('"') + 1) // 2 <= most:
        return False
    end = 0
    for found in itertools.islice(_TOKENS.finditer(text), most // _EACH):
        if not found.lastindex:
            return False
        end = found.end()
    return next(itertools.islice(_TOKEN.finditer(text, end), most % _EACH, None), None) is not None


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
            if isinstance(below, _WITH_LEVELS)
        ]
        if not level:
            return False
    return True
