"""The report of `doit cache`: what is in the store and for whom, and hits and misses of the last builds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from debate.cache import outputs
from debate.cache.collect import and_parts, digests_of, records
from debate.cache.store import Store
from debate.composition import Composition
from debate.host.terminal import page
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown
from debate.trace import Trace

_PAGE, _AROUND = 28, 12
"""Rows of the table where there is no terminal, and lines around them."""


@dataclass(frozen=True)
class Use:
    """What one profile, or the tools tree, has in the store, and how its last build used it."""

    profile: str
    """The output directory."""
    objects: int
    """Objects that its records and its lock name."""
    size: int
    """Bytes of these objects."""
    shared: int
    """Bytes of those that another one names, too."""
    packages: int
    """Bytes of those that only its lock names: packages, and the indexes that prove them."""
    hits: tuple[str, ...]
    """Steps whose results came from the store or a remote."""
    misses: tuple[str, ...]
    """Steps that ran."""
    saved: float
    """Seconds that it took to make the results that were hits."""


@dataclass(frozen=True)
class _Build:
    """What is remembered of one build."""

    directory: Path
    made: Collection[str]
    """Digests of the objects that its records name, with the parts of compositions."""
    locked: Collection[str]
    """Those that its lock names, and no record."""
    traces: Sequence[Mapping[str, Any]]


def report(store: Store, remote: str, tools: str) -> tuple[str, list[dict[str, Any]]]:
    """A few lines and a table, and the same as JSON objects: one for the store, one for each build.

    ``remote`` is the address of the remote, or empty; ``tools`` the name of the tools tree among the builds. Sizes are
    in bytes. No object is read.
    """
    sizes = {digest: state.st_size for digest, state in store.objects()}
    compositions = dict(store.compositions())
    builds = list(_builds(store, compositions))
    named = Counter(digest for build in builds for digest in (*build.made, *build.locked))
    uses = [_use(build, sizes, named) for build in builds]
    kept = _kept(builds, sizes, tools)
    total, actions = sum(sizes.values()), store.count_actions()
    composed = [composition for composition in compositions.values() if composition]
    whole_size, templates = (sum(getattr(each, name).size for each in composed) for name in ("whole", "template"))
    lines = [
        f"{shown(store.root)}: {count(len(sizes), 'object')}, {bytes_shown(total)}; {count(actions, 'action')}",
        f"kept for profiles: {bytes_shown(kept['profiles'])}, for the tools tree: {bytes_shown(kept['tools'])}, "
        f"packages of their locks: {bytes_shown(kept['packages'])}",
        f"not needed by any build here: {bytes_shown(kept['nobody'])}; doit gc frees it; "
        "doit gc --size 10G frees the oldest until 10 GB are left",
    ]
    if composed:
        parts = "takes" if len(composed) == 1 else "take"
        lines.append(
            f"{count(len(composed), 'composed file')} of {bytes_shown(whole_size)} {parts} {bytes_shown(templates)}, "
            f"since all other bytes are objects of other steps; that saves {bytes_shown(whole_size - templates)}"
        )
    if remote:
        lines.append(f"remote: {remote}")
    if uses:
        lines += ["", *_table(uses), f"work saved in these builds: {sum(use.saved for use in uses):.0f} s"]
    whole = {"store": shown(store.root), "objects": len(sizes), "size": total, "kept": kept, "unneeded": kept["nobody"],
             "actions": actions, "remote": remote,
             "composed": {"files": len(composed), "size": whole_size, "templates": templates}}  # fmt: skip
    return "\n".join(lines) + "\n", [whole, *map(asdict, uses)]


def _table(uses: Sequence[Use]) -> Iterator[str]:
    """A page of builds, those first for which alone most is kept."""
    first = sorted(uses, key=lambda use: (use.shared - use.size, use.profile))[: page(_AROUND, _PAGE)]
    width = max(len(use.profile) for use in first)
    yield f"{'kept for':<{width}}  {'size':>7}  {'shared':>7}  {'packages':>8}  {'hits':>4}  {'misses':>6}  saved"
    for use in first:
        yield (
            f"{use.profile:<{width}}  {bytes_shown(use.size):>7}  {bytes_shown(use.shared):>7}  "
            f"{bytes_shown(use.packages):>8}  {len(use.hits):>4}  {len(use.misses):>6}  {use.saved:.0f} s"
        ) + (f"  (ran: {' '.join(use.misses)})" if use.misses else "")
    if rest := len(uses) - len(first):
        yield f"and {count(rest, 'build')} more, for which alone less is kept: doit cache --format json names all"


def _kept(builds: Sequence[_Build], sizes: Mapping[str, int], tools: str) -> dict[str, int]:
    """For whom how many bytes are kept. Each object counts once, for the first of them that needs it."""
    wanted = {
        "profiles": {digest for build in builds if build.directory.name != tools for digest in build.made},
        "tools": {digest for build in builds if build.directory.name == tools for digest in build.made},
        "packages": {digest for build in builds for digest in build.locked},
        "nobody": set(sizes),
    }
    left, kept = dict(sizes), dict[str, int]()
    for name, digests in wanted.items():
        kept[name] = sum(left.pop(digest, 0) for digest in digests)
    return kept


def _use(build: _Build, sizes: Mapping[str, int], named: Mapping[str, int]) -> Use:
    def size(digests: Collection[str]) -> int:
        return sum(sizes.get(digest, 0) for digest in digests)

    every = (*build.made, *build.locked)
    hits = [trace for trace in build.traces if trace.get("cached") is True]
    return Use(
        shown(build.directory),
        sum(digest in sizes for digest in every),
        size(every),
        size([digest for digest in every if named[digest] > 1]),
        size(build.locked),
        tuple(str(trace.get("step")) for trace in hits),
        tuple(str(trace.get("step")) for trace in build.traces if trace.get("cached") is False),
        sum(float(trace.get("seconds", 0)) for trace in hits),
    )


def _builds(store: Store, compositions: Mapping[str, Composition | None]) -> Iterator[_Build]:
    """The builds that have records or traces. Tells of those that cannot be read."""
    for output in store.outputs():
        for directory in outputs.builds(output, store.say_once):
            made, locked = set[str](), set[str]()
            for record in records(store, outputs.files(directory, "", store.say_once)):
                made.update(and_parts(compositions, digests_of({"outputs": record.get("outputs")})))
                locked.update(digests_of({**record, "outputs": None}))
            paths = outputs.files(directory, "traces", store.say_once)
            traces = list(records(store, paths, Trace, "it is not among hits and misses"))
            if made or locked or traces:
                yield _Build(directory, made, locked - made, traces)
