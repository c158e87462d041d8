"""Quoting for GRUB's shell."""

from __future__ import annotations


def quote(text: str) -> str:
    """``text`` as one word. It must not contain single quotes, which the schema ensures."""
    safe = all(c.isalnum() or c in "-_.,:=/+@" for c in text)
    return text if safe and text else f"'{text}'"
