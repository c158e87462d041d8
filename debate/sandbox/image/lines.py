"""The form of parameters that are lists."""

from __future__ import annotations

from collections.abc import Iterable


def as_lines(words: Iterable[str]) -> bytes:
    """The content of a file with one word per line, such as a parameter of a step."""
    return "".join(f"{word}\n" for word in words).encode()
