"""The host's code that decides bytes of an image: all of it is here, and nothing else is.

The content of these modules is part of every step's key: an edit of one, a comment included, has every step made anew.
What only starts, bounds or watches processes, or copies outputs, belongs elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from debate import keys


@cache
def code() -> Mapping[str, str]:
    """Module name -> ``sha256:HEX`` of its source, sorted by name; read once a process."""
    return {path.stem: keys.sha256_file(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
