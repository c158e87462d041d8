"""`doit fsck`: verify the objects in the store, and remove damaged ones."""

from __future__ import annotations

import time

from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

_INTERVAL = 5.0
"""Seconds between two progress lines."""


def run(context: Context) -> Answer:
    """Verify all objects. Raises DebateError, with their digests, if some were damaged."""
    from debate.cache.check import check
    from debate.cache.store import Store

    reported = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal reported
        if time.monotonic() - reported > _INTERVAL:
            reported = time.monotonic()
            context.say(f"{bytes_shown(done)} of {bytes_shown(total)} read")

    found = check(Store(context.settings.cache), progress)
    line = f"{count(found.objects, 'object')} read, {bytes_shown(found.bytes)}"
    if found.forgotten:
        line += f"; {count(found.forgotten, 'action')} removed, whose outputs are missing"
    if not found.dropped:
        data = {"objects": found.objects, "bytes": found.bytes, "forgotten": found.forgotten}
        return Answer(f"{line}; all match their digests\n", data=(data,))
    problem = Problem(
        Place(shown(context.settings.cache)),
        f"{line}; {len(found.dropped)} did not match their digests and were removed",
        "the next build makes them again",
    )
    raise DebateError.of([problem], details="\n".join(f"  {digest}" for digest in found.dropped))


COMMAND = Command(
    name="fsck",
    doc="verify the objects in the cache, and remove damaged ones",
    usage="""\
doit fsck

Compares the content of each object in the cache with its digest. Removes objects that differ, and
results with a missing output. The next build makes them again.
""",
    section="This host",
    run=run,
)
