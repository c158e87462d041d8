"""The report of `doit cache`: content of the store, hits and misses of the last builds, use by profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from debate.cache import outputs
from debate.cache.collect import digests_of, needed, with_parts
from debate.cache.store import Store
from debate.host.files import read_object
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown
from debate.trace import Trace


@dataclass(frozen=True)
class Use:
    """How the last build of one profile used the store."""

    profile: str
    """The profile's output directory."""
    objects: int
    """Objects that its records name."""
    size: int
    """Bytes of these objects."""
    hits: tuple[str, ...]
    """Steps whose results came from the store or a remote."""
    misses: tuple[str, ...]
    """Steps that ran."""
    saved: float
    """Seconds that it took to make the results that were hits."""


def report(store: Store, remote: str) -> tuple[str, list[dict[str, Any]]]:
    """A few lines and a table, and the same as JSON objects: one for the store, one for each build.

    ``remote`` is the address of the remote, or empty. Sizes are in bytes.
    """
    sizes = {digest: state.st_size for digest, state in store.objects()}
    records = set(needed(store))
    unneeded = sum(size for digest, size in sizes.items() if digest not in records)
    uses = list(_uses(store, sizes))
    size = bytes_shown(sum(sizes.values()))
    lines = [
        f"{shown(store.root)}: {count(len(sizes), 'object')}, {size}; {count(store.count_actions(), 'action')}",
        f"not needed by any build here: {bytes_shown(unneeded)}; doit gc frees it; "
        "doit gc --size 10G frees the oldest until 10 GB are left",
    ]
    composed = [composition for _, composition in store.compositions() if composition]
    whole_size, templates = (sum(getattr(each, name).size for each in composed) for name in ("whole", "template"))
    if composed:
        parts = "takes" if len(composed) == 1 else "take"
        lines.append(
            f"{count(len(composed), 'composed file')} of {bytes_shown(whole_size)} {parts} {bytes_shown(templates)}, "
            "since all other bytes are objects of other steps"
        )
    if remote:
        lines.append(f"remote: {remote}")
    if uses:
        width = max(len(use.profile) for use in uses)
        lines += ["", f"{'last build':<{width}}  {'objects':>7}  {'size':>9}  {'hits':>4}  {'misses':>6}  saved"]
        for use in uses:
            lines.append(
                f"{use.profile:<{width}}  {use.objects:>7}  {bytes_shown(use.size):>9}  {len(use.hits):>4}  "
                f"{len(use.misses):>6}  {use.saved:.0f} s" + (f"  (ran: {' '.join(use.misses)})" if use.misses else "")
            )
        lines.append(f"work saved in these builds: {sum(use.saved for use in uses):.0f} s")
    whole = {"store": shown(store.root), "objects": len(sizes), "size": sum(sizes.values()), "unneeded": unneeded,
             "actions": store.count_actions(), "remote": remote,
             "composed": {"files": len(composed), "size": whole_size, "templates": templates}}  # fmt: skip
    return "\n".join(lines) + "\n", [whole, *map(asdict, uses)]


def _uses(store: Store, sizes: dict[str, int]) -> Iterator[Use]:
    for output in store.outputs():
        for directory in outputs.builds(output, store.say_once):
            traces = [read_object(path, Trace) for path in outputs.files(directory, "traces", store.say_once)]
            if not traces:
                continue
            records = map(read_object, outputs.files(directory, "", store.say_once))
            named = (digest for record in records for digest in digests_of(record))
            names = set(with_parts(store, named))
            yield Use(
                shown(directory),
                len(names & sizes.keys()),
                sum(sizes.get(digest, 0) for digest in names),
                tuple(str(trace.get("step")) for trace in traces if trace.get("cached") is True),
                tuple(str(trace.get("step")) for trace in traces if trace.get("cached") is False),
                sum(float(trace.get("seconds", 0)) for trace in traces if trace.get("cached") is True),
            )
