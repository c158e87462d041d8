"""Foreign text on its way to a terminal or a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` with ``?`` for what could move a cursor, change a colour, or reorder what is read.

    That is every character of Unicode's classes Other and Separator but space and tab: C0 and C1 controls, marks and
    overrides of the direction of writing (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), lone surrogates.
    """
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
