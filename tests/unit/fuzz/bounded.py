"""The bounds of each case of a fuzzer: whatever is read, the answer comes soon and takes little memory."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 2.0
"""Of processor time, as other processes may keep the machine busy."""
BYTES = 300 << 20
"""In addition to what the tests take already."""
_PAGE = resource.getpagesize()


@contextmanager
def bounded() -> Iterator[None]:
    """Raises MemoryError or AssertionError if the code inside exceeds a bound."""

    def too_long(*_: object) -> None:
        raise AssertionError(f"took more than {SECONDS} s")

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (taken + BYTES, before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGPROF, handler)
