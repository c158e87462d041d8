"""The end of the time for an exchange with a remote, however many requests, redirects and attempts it takes.

Timeouts of single reads do not bound an exchange: a remote that sends a byte now and then exceeds none of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from debate.remote.errors import TooSlowError


@dataclass(frozen=True)
class _End:
    moment: float
    """By the clock of `time.monotonic`."""
    fact: str
    remedy: str


_NEVER = _End(float("inf"), "", "")
_END: ContextVar[_End] = ContextVar("_END", default=_NEVER)
"""The earliest of the ends that apply to this thread."""


@contextmanager
def within(seconds: float, fact: str, remedy: str = "") -> Iterator[None]:
    """What happens inside must end within ``seconds``, or `left` raises a TooSlowError with ``fact`` and ``remedy``."""
    mine = _End(time.monotonic() + seconds, fact, remedy)
    token = _END.set(min(_END.get(), mine, key=lambda end: end.moment))
    try:
        yield
    finally:
        _END.reset(token)


def left() -> float:
    """Seconds that are left; infinity outside of `within`. Raises TooSlowError if there are none."""
    end = _END.get()
    seconds = end.moment - time.monotonic()
    if seconds <= 0:
        raise TooSlowError(end.fact, end.remedy)
    return seconds
