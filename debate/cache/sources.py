"""Forget everything that is in the store on the word of one source: see `debate.cache.action.Action.source`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate.cache import outputs
from debate.cache.action import Action
from debate.cache.collect import named, with_parts
from debate.cache.store import Store
from debate.host import ours
from debate.host.files import load_object
from debate.text.paths import shown
from debate.trace import Trace


@dataclass(frozen=True)
class Dropped:
    """What was removed."""

    actions: int
    objects: int
    bytes: int
    traces: int
    """Traces and records in the output directories, from which a build would know the results again."""
    sources: tuple[str, ...]
    """The sources of everything that is left, sorted."""


def drop(store: Store, source: str) -> Dropped:
    """Remove the actions on the word of ``source``, what only they name, and what builds remember of them.

    ``source``: `HERE`, the address of a remote or the number of a key. An object that another source made as well
    stays: its content is what its name says, whoever sent it.
    """
    store.secure()
    doomed, kept, wanted, sources = set[str](), set[str](), set[str](), set[str]()
    for key, action in store.actions():
        if action is None:
            store.say(_passed_over(store.action_path(key)))
            continue
        if action.is_from(source):
            doomed.add(key)
            wanted |= named(action)
        else:
            kept |= named(action)
            sources |= {action.source, action.signer} - {""}
    traces = list(_traces(store, source))
    for path in traces:
        ours.remove(path)
        ours.remove(path.parents[1] / path.name)  # The record of that step, or the step would count as up to date.
    store.forget(doomed)
    sizes = []
    doomed_objects = set(with_parts(store, wanted)) - set(with_parts(store, kept))
    with store.removing():
        for digest in doomed_objects:
            store.drop_composition(digest)
            path = store.path_of(digest)
            with suppress(FileNotFoundError):
                sizes.append(path.lstat().st_size)
                store.discard(path)
    return Dropped(len(doomed), len(sizes), sum(sizes), len(traces), tuple(sorted(sources)))


def of(store: Store, digest: str) -> Action | None:
    """An action that names an object, which need not be there; None if none does. Reads all actions."""
    return next((action for _, action in store.actions() if action and digest in named(action)), None)


def _traces(store: Store, source: str) -> Iterator[Path]:
    for path in outputs.of_all(store.outputs(), "traces", store.say_once):
        try:
            results = _results(load_object(path, Trace))
        except FileNotFoundError:
            continue  # Removed meanwhile.
        except (OSError, ValueError):
            store.say(_passed_over(path))
            continue
        if any(source in (made.get("origin"), made.get("signer")) for made in results):
            yield path


def _passed_over(path: Path) -> str:
    return f"{shown(path)}: is damaged, so it names no source and is never used; doit fsck removes it"


def _results(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [trace, *trace.get("parts", {}).values()]
