"""Regular expressions that a profile's author writes, for text that a guest prints.

With RE2 the time for a search is linear in the text, whatever the two of them agree on; the price is that there are no
backreferences and no lookaround. Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from typing import Any

import re2


def compiled(pattern: str) -> Any:
    """The pattern, which has re's methods. Raises ValueError with what is wrong with it."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(error.args[0].decode(errors="replace")) from None
