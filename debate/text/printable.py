"""Foreign text on its way to a terminal or a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` without what could move a cursor or change a colour."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
