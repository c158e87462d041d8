"""Read every object of the store again, and remove those whose content does not match their digest."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from debate import keys
from debate.cache.collect import digests_of
from debate.cache.store import Store


@dataclass(frozen=True)
class Checked:
    """Result of a check."""

    objects: int
    bytes: int
    dropped: tuple[str, ...]
    """Digests of the removed objects, whose content did not match."""
    forgotten: int
    """Number of removed actions. They lacked an output, so they could never be hits."""


def check(store: Store, progress: Callable[[int, int], None]) -> Checked:
    """Read all objects. Calls ``progress`` after each one, with the bytes read so far and in total."""
    found = list(store.objects())
    total, done, dropped = sum(state.st_size for _, state in found), 0, []
    whole = set()
    for digest, state in found:
        path = store.path_of(digest)
        try:
            right = keys.sha256_file(path) == digest
        except FileNotFoundError:
            continue  # It was collected in the meantime.
        if right:
            whole.add(digest)
        else:
            dropped.append(digest)
            with store.removing(), suppress(FileNotFoundError):
                os.unlink(path)
        done += state.st_size
        progress(done, total)
    forgotten = set()
    for key, action in store.actions():
        digests = set(digests_of(action))
        if not digests or not all(digest in whole or store.path_of(digest).exists() for digest in digests):
            forgotten.add(key)
    store.forget(forgotten)
    return Checked(len(found), total, tuple(sorted(dropped)), len(forgotten))
