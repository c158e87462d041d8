"""Makes untrusted text safe for a terminal or a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` with ``?`` for every character that could move the cursor, change a colour or reorder text.

    These are Unicode's categories Other and Separator, except space and tab: C0 and C1 controls, marks and overrides
    of the writing direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), lone surrogates.
    """
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
