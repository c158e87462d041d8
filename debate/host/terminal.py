"""The terminal that the user looks at."""

from __future__ import annotations

import shutil


def page(around: int, otherwise: int) -> int:
    """Lines of a list that a terminal shows at once, beside ``around`` others; ``otherwise`` where there is none."""
    return max(5, shutil.get_terminal_size((80, otherwise + around)).lines - around)
