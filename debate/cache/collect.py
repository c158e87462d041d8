"""Garbage collection: removes the least recently used objects, down to a size or up to an age.

Objects are kept if a record or a lock in an output directory of this store names them, if a running builder may have
used them since it started, or if they were used within the last minute. This is safe while builds run: lookups wait
while objects are removed, and then find them or not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate import PACKAGE, keys
from debate.cache import outputs
from debate.cache.action import Action
from debate.cache.store import Store
from debate.composition import Composition
from debate.host.files import load_object
from debate.text.paths import shown

RECENT = 60.0
"""Seconds after its last use for which an object is kept."""
_BATCH = 256
"""Objects that are removed at a time, while lookups wait."""
_UNFINISHED = 86_400.0
"""Seconds after which an unfinished download is removed."""


@dataclass(frozen=True)
class Collected:
    """Result of a collection."""

    objects: int
    """Number of removed objects."""
    freed: int
    """Their bytes."""
    left: int
    """Bytes in the store afterwards."""
    needed: int
    """Bytes that records or builders need."""
    downloads: int = 0
    """Number of removed downloads that were not finished."""


def collect(store: Store, *, size: int | None = None, age: float | None = None) -> Collected:
    """Remove objects unused for ``age`` seconds, then the least recently used until ``size`` bytes are left.

    It makes no directory safe, since in the background nobody would hear that one was not: `Store.secure` does.
    Whole ISOs go first: their bytes are in other objects, too. Earlier versions kept them so.
    """
    now = time.time()
    store.forget_outputs()
    with store.removing():
        recent = min(store.oldest_builder(), now) - RECENT
    needed_by_records = set(needed(store))
    found = sorted((state.st_ctime, digest, state.st_size) for digest, state in store.objects())
    total = sum(bytes_ for _, _, bytes_ in found)
    free = [entry for entry in found if entry[0] < recent and entry[1] not in needed_by_records]
    kept = total - sum(bytes_ for _, _, bytes_ in free)
    if size is not None and total > size:
        isos = {digest for _, action in store.actions() if action and action.step == "iso" for digest in named(action)}
        free.sort(key=lambda entry: (entry[1] not in isos, entry[0]))
    doomed = []
    for entry in free:
        unused = now - entry[0]
        if (age is not None and unused > age) or (size is not None and total > size):
            doomed.append(entry)
            total -= entry[2]
    removed = [entry for start in range(0, len(doomed), _BATCH) for entry in _remove(store, doomed[start:][:_BATCH])]
    if removed:
        _forget(store, {digest for _, digest, _ in removed})
    downloads = _remove_downloads(store, now)
    freed = sum(bytes_ for _, _, bytes_ in removed)
    left = sum(bytes_ for _, _, bytes_ in found) - freed
    return Collected(len(removed), freed, left, kept, downloads)


def needed(store: Store) -> Iterator[str]:
    """Digests that records and locks in the output directories name, and of the parts of what they name.

    Tells of those that cannot be read.
    """
    found = records(store, outputs.of_all(store.outputs(), "", store.say_once))
    yield from with_parts(store, (digest for record in found for digest in digests_of(record)))


def records(
    store: Store, paths: Iterable[Path], shape: Any = None, so: str = "what only it names counts as not needed"
) -> Iterator[dict[str, Any]]:
    """What is in the files of records, or others of the type ``shape``. Tells of those that cannot be read."""
    for path in paths:
        try:
            record = load_object(path, shape)
        except FileNotFoundError:
            continue  # Removed meanwhile.
        except (OSError, ValueError):
            store.say(f"{shown(path)}: is damaged, so {so}; run doit fsck")
            continue
        yield record


def with_parts(store: Store, digests: Iterable[str]) -> Iterator[str]:
    """``digests``, and those of the parts of each that is a composition."""
    yield from and_parts(dict(store.compositions()), digests)


def and_parts(compositions: Mapping[str, Composition | None], digests: Iterable[str]) -> Iterator[str]:
    """The same, by what the store has of compositions: it is read once for many ``digests``."""
    for digest in digests:
        yield digest
        if composition := compositions.get(digest):
            yield from (part.digest for part in composition.parts)


def digests_of(record: Mapping[str, Any]) -> Iterator[str]:
    """Digests of outputs, packages and indexes in what was read from a record or a lock."""
    made, packages, indexes = record.get("outputs"), record.get("packages"), record.get("indexes")
    if isinstance(indexes, dict):
        yield str(indexes.get("digest"))
    if isinstance(made, dict):
        yield from (str(output.get("digest")) for output in made.values() if isinstance(output, dict))
    if isinstance(packages, list):
        yield from (keys.digest(str(package.get("sha256"))) for package in packages if isinstance(package, dict))


def named(action: Action) -> set[str]:
    """Digests of the outputs of an action."""
    return {artifact.digest for artifact in action.outputs.values()}


def _remove(store: Store, doomed: list[tuple[float, str, int]]) -> Iterator[tuple[float, str, int]]:
    """Remove the chosen objects, except those that were used since they were chosen."""
    with store.removing():
        for entry in doomed:
            path = store.path_of(entry[1])
            with suppress(FileNotFoundError):
                if os.lstat(path).st_ctime == entry[0]:
                    store.discard(path)
                    yield entry


def _forget(store: Store, removed: set[str]) -> None:
    """Remove compositions that lack a part, and actions with outputs that were removed.

    A builder may have made them again meanwhile, so it counts what is there now.
    """
    with store.removing():
        for digest, composition in store.compositions():
            if composition is None or not store.keeps(digest):
                store.drop_composition(digest)
                removed.add(digest)
    removed = {digest for digest in removed if not store.keeps(digest)}
    doomed = set()
    for key, action in store.actions():
        if action is None:
            store.say(f"{shown(store.action_path(key))}: was damaged, so it was removed; the next build makes it again")
        if action is None or removed.intersection(named(action)):
            doomed.add(key)
    store.forget(doomed)


def _remove_downloads(store: Store, now: float) -> int:
    old = [path for path, found in store.downloads() if now - found.st_mtime > _UNFINISHED]
    for path in old:
        store.discard(path)
    return len(old)


def in_background(store: Store, size: int) -> None:
    """Collect to ``size`` bytes in a background process of low priority."""
    subprocess.run(
        ["setsid", "--fork", "nice", "-n19", sys.executable, "-m", "debate.cache.collect", str(store.root), str(size)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,  # The next build tries again.
    )


def main(root: str, size: str) -> None:
    """Entry point of `in_background`. A second process at the same time would find nothing to do, so it ends."""
    store = Store(Path(root))
    with store.alone("collecting") as first:
        if first:
            collect(store, size=int(size))


if __name__ == "__main__":
    main(*sys.argv[1:])
