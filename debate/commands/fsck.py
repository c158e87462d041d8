"""`doit fsck`: verify what is in the store, and what builds remember of it, and remove what is damaged."""

from __future__ import annotations

import time

from debate.commands.command import Answer, Command, Context
from debate.commands.gc import SOURCE, dropped
from debate.errors import DebateError, Place, Problem
from debate.host import ours
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

_INTERVAL = 5.0
"""Seconds between two progress lines."""


def run(context: Context, source: str) -> Answer:
    """Verify everything, after what is there on the word of ``source`` was removed, if that is given.

    Raises DebateError, with what was damaged, if something was.
    """
    from debate.cache.check import check
    from debate.cache.store import Store
    from debate.history.check import damaged

    store, reported = Store(context.settings.cache, context.say), time.monotonic()
    more, data = dropped(store, source) if source else ("", {})

    def progress(done: int, total: int) -> None:
        nonlocal reported
        if time.monotonic() - reported > _INTERVAL:
            reported = time.monotonic()
            context.say(f"{bytes_shown(done)} of {bytes_shown(total)} read")

    found = check(store, progress)
    outputs = dict.fromkeys([*store.outputs(), context.settings.output])
    records = [path for output in outputs for path in damaged(output, store.say_once)]
    for path in records:
        ours.remove(path)
    line = f"{more}; " if more else ""
    line += f"{count(found.objects, 'object')} read, {bytes_shown(found.bytes)}"
    if found.forgotten:
        line += f"; {count(found.forgotten, 'action')} removed, whose outputs are missing"
    if not (found.dropped or found.damaged or found.foreign or records):
        data |= {"objects": found.objects, "bytes": found.bytes, "forgotten": found.forgotten}
        return Answer(f"{line}; all match their digests\n", data=(data,))
    facts = [
        (len(found.dropped), "object", "did not match its digest"),
        (len(found.damaged), "action", "was damaged"),
        (len(found.foreign), "file", "does not belong into the store"),
        (len(records), "record", "was damaged"),
    ]
    said = "; ".join(f"{count(number, what)} removed, because each {fact}" for number, what, fact in facts if number)
    problem = Problem(Place(shown(context.settings.cache)), f"{line}; {said}", "the next build makes them again")
    names = [*found.dropped, *map(shown, (*found.damaged, *found.foreign, *records))]
    raise DebateError.of([problem], details="\n".join(f"  {name}" for name in names))


COMMAND = Command(
    name="fsck",
    doc="verify what is in the cache, and remove what is damaged",
    usage="""\
doit fsck [--source SOURCE]

Compares the content of each object in the cache with its digest. Removes objects that differ,
results that are damaged or lack an output, files that do not belong there, and records of builds
that cannot be read; the next build makes them again. Puts right what other users could write to.
With --source, first does what doit gc --source does.
""",
    section="This host",
    run=run,
    options=(SOURCE,),
)
