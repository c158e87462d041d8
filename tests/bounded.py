"""Bounds on what looking at hostile input may cost."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BYTES = 300 << 20
"""In addition to what the tests take already."""
_SHARED = 2 if "PYTEST_XDIST_WORKER" in os.environ else 1
"""How often a second counts: where tests run at the same time on the two halves of a core, each does less in one."""
_PAGE = resource.getpagesize()


@contextmanager
def bounded(*, processor: float = 4.0, seconds: float = 60.0) -> Iterator[Callable[[], None]]:
    """Raises MemoryError for more than `BYTES`, and AssertionError for more seconds, of the processor or altogether.

    It is no OSError, which the code inside may expect. What takes 2 s on a quiet machine may take 4 s on a busy one.
    What it yields starts both times anew: for many short runs, one after the other.
    """

    def again() -> None:
        signal.setitimer(signal.ITIMER_PROF, processor * _SHARED)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def too_long(number: int, _: object) -> None:
        used = f"{processor} s of the processor" if number == signal.SIGPROF else f"{seconds} s"
        raise AssertionError(f"took more than {used}")

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    before = resource.getrlimit(resource.RLIMIT_AS)
    handlers = {number: signal.signal(number, too_long) for number in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (taken + BYTES, before[1]))
    again()
    try:
        yield again
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
