"""`doit cache`, `doit gc` and `doit fsck`."""

from __future__ import annotations

import sys
import time

from debate.cache import check, collect, report
from debate.cache.store import Store
from debate.errors import DebateError
from debate.settings import Settings
from debate.text import amounts
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

_SILENCE = 5.0
"""Seconds after which one is told how far it is."""


def show(settings: Settings) -> str:
    """What lies in the cache."""
    return report.text(Store(settings.cache), settings.remote)


def gc(settings: Settings, size: str, age: str) -> str:
    """Collect to ``size`` or ``age`` as the user wrote them; without either, all that no build needs."""
    limit = amounts.size(size, "--size") if size else settings.cache_size or (None if age else 0)
    unused = amounts.age(age, "--age") if age else None
    done = collect.collect(Store(settings.cache), size=limit, age=unused)
    line = f"{count(done.objects, 'object')} removed, {bytes_shown(done.freed)}; {bytes_shown(done.left)} left"
    if limit is not None and done.left > limit > 0:
        line += (
            f", more than the {bytes_shown(limit)} asked for: builds need {bytes_shown(done.needed)} "
            "(remove the directories in build/ that are not needed any more)"
        )
    return f"{line}\n"


def fsck(settings: Settings) -> str:
    """Read every object again. Raises DebateError when some were bad, with their names."""
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > _SILENCE:
            told = time.monotonic()
            sys.stderr.write(f"  {bytes_shown(done)} of {bytes_shown(total)} read\n")

    found = check.check(Store(settings.cache), progress)
    line = f"{count(found.objects, 'object')} read, {bytes_shown(found.bytes)}"
    if found.forgotten:
        line += f"; {count(found.forgotten, 'action')} forgotten, whose outputs are lost"
    if not found.dropped:
        return f"{line}; all are what their names say\n"
    dropped = "\n".join(f"  {digest}" for digest in found.dropped)
    raise DebateError(
        f"{shown(settings.cache)}: {line}; {len(found.dropped)} were not what their names say and are removed; "
        f"the next build makes them anew:\n{dropped}"
    )
