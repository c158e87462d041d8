"""Classes that are completed late, once, whichever thread comes first."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from debate.deferred import frozen


def test_threads_that_come_at_once() -> None:
    """None of them finds a class half made."""
    failed: list[TypeError] = []

    def call(cls: Callable[..., object], together: threading.Barrier) -> None:
        together.wait()
        try:
            cls(x=1)
        except TypeError as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            late: Callable[..., object] = frozen(type("Late", (), {"__annotations__": {"x": "int"}}))
            together = threading.Barrier(4)
            threads = [threading.Thread(target=call, args=(late, together)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failed
