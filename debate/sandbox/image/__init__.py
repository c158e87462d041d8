"""All host code that determines bytes of an image, and nothing else.

The content of these modules is part of every step's key: any edit, even of a comment, makes every step run again. Code
that only starts, limits or watches processes, or copies outputs, belongs elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from debate import keys


@cache
def code() -> Mapping[str, str]:
    """Module name -> ``sha256:HEX`` of its source, sorted by name; read once per process."""
    found = sorted(Path(__file__).parent.glob("[!.]*.py"))
    return {path.stem: keys.sha256_file(path) for path in found if path.is_file()}
