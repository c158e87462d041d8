"""Which profiles there are, without reading any."""

from __future__ import annotations

import os
from pathlib import Path


def names(directory: Path) -> list[str]:
    """The profiles in ``directory``, sorted. Those that start with _ are only for others to extend."""
    try:
        files = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(f.removesuffix(".yaml") for f in files if f.endswith(".yaml") and f[0] not in "_.")
