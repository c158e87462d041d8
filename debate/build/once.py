"""What is made once in a run, however many steps ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


class Once:
    """Values by key. Thread-safe."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        """Key -> what was made for it. Written only by who holds the key."""
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def held(self, keys: Iterable[str]) -> Iterator[None]:
        """Hold ``keys``, each of which one thread holds at a time. In their order, so that no two wait for each other.

        Who holds keys asks for more of another kind only, whose names sort after the first.
        """
        with self._lock:
            locks = [self._locks.setdefault(key, threading.Lock()) for key in sorted(set(keys))]
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            yield
