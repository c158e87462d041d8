"""Quoting for GRUB's shell. Source: GRUB's manual, "Shell-like scripting"."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_.,:=/+@-]+")


def quote(text: str) -> str:
    """``text`` as one word."""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"
