"""Lines, where what a line says decides something."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    """The lines of ``text``, which end where all other programs say: at a line feed.

    `str.splitlines` also ends them at nine other characters, such as U+2028, and so sees lines that nobody wrote.
    """
    return text.removesuffix("\n").split("\n") if text else []
