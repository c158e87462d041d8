"""Dated archives: where to look for what a lock names and the mirror no longer has, by the dates in the lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from debate import managers
from debate.errors import DebateError
from debate.settings import mirror_variable

if TYPE_CHECKING:
    from debate.managers.interface import Mirrors, Request
    from debate.steps.work import Work

_LATER = (timedelta(), timedelta(hours=6), timedelta(days=1))
"""After the date of an archive's index. It is published, and stored with a date, some hours after it was made; dated
archives answer with the last state before the moment that is asked for, and keep what left an index for a day.
"""
_FORM = "%Y%m%dT%H%M%SZ"


def moments(lock: Any) -> list[dict[str, str]]:
    """Archive -> the moment of its state in which its packages of a lock are, in the order in which to try; none in the
    future. Empty for a lock that names no archives.
    """
    newest: dict[str, datetime] = {}
    for each in lock.get("archives", ()):
        try:
            date = datetime.fromisoformat(each["date"])
        except ValueError:  # Such as the 31st of February.
            continue
        newest[each["archive"]] = max(date, newest.get(each["archive"], date))
    now = datetime.now(UTC)
    found = [{name: f"{min(now, min(now, date) + later):{_FORM}}" for name, date in newest.items()} for later in _LATER]
    return [one for number, one in enumerate(found) if one and one not in found[:number]]


def mirrors(work: Work, request: Request, *, whole: bool = False) -> list[Mirrors]:
    """The dated states of the archives of a profile's lock, in the order in which to try. Empty if none is known.

    With ``whole``, only those that have all archives.
    """
    return list(_mirrors(work, request, whole=whole))


def _mirrors(work: Work, request: Request, *, whole: bool) -> Iterator[Mirrors]:
    manager, seen = managers.get(request.distribution), list[object]()
    for one in moments(work.record("lock")) if not request.snapshot else ():
        try:
            found = manager.dated(work.settings, request, work.record("mirrors"), one)
        except DebateError:  # None is known, which the remedy tells.
            return
        lost = {name for name, path in found.directories.items() if not os.path.isdir(path)}
        where = {name: found.directories.get(name, address) for name, address in found.addresses.items()}
        if where in seen or (lost and whole):
            continue
        seen.append(where)
        addresses, directories = (
            {name: value for name, value in values.items() if name not in lost}
            for values in (found.addresses, found.directories)
        )
        yield replace(found, addresses=addresses, directories=directories)


def remedy(work: Work, request: Request, found: list[Mirrors]) -> str:
    """What to do about a package that the mirror no longer has."""
    now = f"run doit lock:{work.name} for what the mirror has now"
    if request.snapshot:
        return now
    dates = moments(work.record("lock"))
    if found:
        day = max(dates[0].values())
        return f"{now}; the dated archive of {day[:4]}-{day[4:6]}-{day[6:8]} does not have it either"
    if not dates:
        return now
    variable = mirror_variable(f"{request.distribution}-snapshot")
    return f"{now}, or set {variable} to an archive with dates, which has it still"
