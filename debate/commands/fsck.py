"""`doit fsck`: read everything in the store again, and drop what is damaged."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem

_SILENCE = 5.0
"""Seconds between two lines that say how far it is."""


def run(context: Context) -> Answer:
    """Read every object again. Raises DebateError where some were damaged, with their digests."""
    import time

    from debate.cache.check import check
    from debate.cache.store import Store
    from debate.text.amounts import bytes_shown, count
    from debate.text.paths import shown

    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > _SILENCE:
            told = time.monotonic()
            context.say(f"{bytes_shown(done)} of {bytes_shown(total)} read")

    found = check(Store(context.settings.cache), progress)
    line = f"{count(found.objects, 'object')} read, {bytes_shown(found.bytes)}"
    if found.forgotten:
        line += f"; {count(found.forgotten, 'action')} forgotten, whose outputs are lost"
    if not found.dropped:
        data = {"objects": found.objects, "bytes": found.bytes, "forgotten": found.forgotten}
        return Answer(f"{line}; all are what their names say\n", data=(data,))
    problem = Problem(
        Place(shown(context.settings.cache)),
        f"{line}; {len(found.dropped)} were not what their names say and are removed",
        "the next build makes them again",
    )
    raise DebateError.of([problem], details="\n".join(f"  {digest}" for digest in found.dropped))


COMMAND = Command(
    name="fsck",
    doc="read everything in the cache again, and drop what is damaged",
    usage="""\
doit fsck

Compares the content of each object in the cache with the digest that names it, and removes those
that differ, and the results that lost an output. The next build makes them again.
""",
    section="This host",
    run=run,
)
