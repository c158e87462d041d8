"""Regular expressions for text of any length that somebody else writes, and those that a profile's author writes.

With RE2 the time for a search is linear in the text, whatever the two of them agree on; the price is that there are no
backreferences and no lookaround. Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from debate.text.printable import shortened

_MEMORY = 2 << 20
"""Bytes that a compiled pattern may take: of those that are small as text, `\\pL` a thousand times takes far more."""
_LONGEST = 60
"""Characters of what is wrong with a pattern, which RE2 says with the pattern."""


@lru_cache(maxsize=8)
def compiled(pattern: str | bytes) -> Any:
    """The pattern, which has re's methods; one of bytes is for bytes. Raises ValueError with what is wrong with it."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    if isinstance(pattern, bytes):
        options.encoding = re2.Options.Encoding.LATIN1  # so that \\S and the like match every byte
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(shortened(error.args[0].decode(errors="replace"), _LONGEST)) from None
