"""Words of GRUB's shell."""

from __future__ import annotations


def quote(text: str) -> str:
    """``text`` as one word. GRUB's shell knows single quotes; the schema keeps them out of all that comes here."""
    safe = all(c.isalnum() or c in "-_.,:=/+@" for c in text)
    return text if safe and text else f"'{text}'"
