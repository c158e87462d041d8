"""Read every object again, and drop what is not what its name says."""

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
    """What a check found."""

    objects: int
    bytes: int
    dropped: tuple[str, ...]
    """Digests of objects that were something else, now removed."""
    forgotten: int
    """Actions without one of their outputs, now removed: they would never be hits."""


def check(store: Store, progress: Callable[[int, int], None]) -> Checked:
    """Read everything. Calls ``progress`` with the bytes read and those there are after each object."""
    found = list(store.objects())
    total, done, dropped = sum(state.st_size for _, state in found), 0, []
    whole = set()
    for digest, state in found:
        path = store.path_of(digest)
        try:
            right = keys.sha256_file(path) == digest
        except FileNotFoundError:
            continue  # Collected meanwhile.
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
