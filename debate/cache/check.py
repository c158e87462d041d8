"""Read everything in the store again, and remove what is damaged: the next build makes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from debate.cache.collect import named
from debate.cache.store import Store
from debate.composition import Composition


@dataclass(frozen=True)
class Checked:
    """Result of a check."""

    objects: int
    bytes: int
    dropped: tuple[str, ...]
    """Digests of the removed objects and compositions, whose content did not match."""
    forgotten: int
    """Number of removed actions that lacked an output, so they could never be hits."""
    damaged: tuple[Path, ...] = ()
    """Removed actions that could not be read."""
    foreign: tuple[Path, ...] = ()
    """What else was removed, since it is nothing that the store has."""


def _is_composed(store: Store, composition: Composition | None) -> bool | None:
    """True if its parts make the file; None if one was removed, which is no damage. Raises OSError."""
    if composition is None:
        return False
    try:
        return store.is_composed(composition)
    except FileNotFoundError:
        return None


def check(store: Store, progress: Callable[[int, int], None]) -> Checked:
    """Read all objects. Calls ``progress`` after each one, with the bytes read so far and in total. Raises OSError."""
    store.secure()
    foreign = list(store.foreign())
    for path in foreign:
        store.discard(path)
    store.forget_outputs()
    found, compositions = list(store.objects()), list(store.compositions())
    size = sum(state.st_size for _, state in found)
    total = size + sum(composition.whole.size for _, composition in compositions if composition)
    done, dropped = 0, []
    whole = set()
    for digest, state in found:
        right = store.verify(digest)
        if right:
            whole.add(digest)
        elif right is not None:
            dropped.append(digest)
        done += state.st_size
        progress(done, total)
    for digest, composition in compositions:
        right = _is_composed(store, composition)
        if right:
            whole.add(digest)
        else:
            store.drop_composition(digest)
        if right is False:
            dropped.append(digest)
        done += composition.whole.size if composition else 0
        progress(done, total)
    damaged, forgotten = set(), set()
    for key, action in store.actions():
        if action is None:
            damaged.add(key)
        elif not all(digest in whole or store.keeps(digest) for digest in named(action)):
            forgotten.add(key)
    store.forget(damaged | forgotten)
    return Checked(
        len(found),
        size,
        tuple(sorted(dropped)),
        len(forgotten),
        tuple(sorted(map(store.action_path, damaged))),
        tuple(sorted(foreign)),
    )
