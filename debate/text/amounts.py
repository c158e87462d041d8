"""Numbers, sizes and ages as people write and read them."""

from __future__ import annotations

import re

from debate.errors import DebateError

_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def size(text: str, what: str) -> int:
    """Parse a number with an optional K, M, G or T (powers of 1024), such as ``10G`` or ``1.5GiB``, to bytes.

    Raises DebateError whose place is ``what``.
    """
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        remedy = "write bytes, or a number with K, M, G or T, such as 10G"
        raise DebateError(f"{text!r} is not a size", remedy, place=what)
    return int(float(match[1]) * _BYTES[match[2].upper()])


def exact(number: int) -> str:
    """``8 GiB``: bytes in the largest unit of which they are a whole number, as `size` reads them."""
    for unit, factor in reversed(_BYTES.items()):
        if unit and number and number % factor == 0:
            return f"{number // factor:,} {unit}iB"
    return f"{number:,} bytes"


def age(text: str, what: str) -> float:
    """Parse a number with an optional s, m, h, d or w, such as ``30d``, to seconds. Raises DebateError."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)\s*([smhdw]?)", text.strip())
    if match is None:
        remedy = "write seconds, or a number with m, h, d or w, such as 30d"
        raise DebateError(f"{text!r} is not a time", remedy, place=what)
    return float(match[1]) * _SECONDS[match[2]]


def count(number: int, one: str) -> str:
    """``1 package``, ``2 packages``."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def bytes_shown(number: int) -> str:
    """Format bytes in a few characters: ``194 MB``. Powers of 1000, as on the labels of disks."""
    value = float(number)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit != "MB" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
