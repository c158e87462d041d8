"""`doit gc`: remove unused objects from the store."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context, Option
from debate.text import amounts
from debate.text.amounts import bytes_shown, count


def run(context: Context, size: str, age: str) -> Answer:
    """Collect down to ``size`` or ``age``, as the user wrote them; without either, all that no build needs.

    Raises DebateError if they are not a size and an age.
    """
    from debate.cache.collect import collect
    from debate.cache.store import Store

    settings = context.settings
    limit = amounts.size(size, "--size") if size else settings.cache_size or (None if age else 0)
    unused = amounts.age(age, "--age") if age else None
    done = collect(Store(settings.cache), size=limit, age=unused)
    line = f"{count(done.objects, 'object')} removed, {bytes_shown(done.freed)}; {bytes_shown(done.left)} left"
    if limit is not None and done.left > limit > 0:
        line += (
            f", more than the {bytes_shown(limit)} asked for: builds need {bytes_shown(done.needed)} "
            "(remove directories in build/ that are no longer needed)"
        )
    data = {"removed": done.objects, "freed": done.freed, "left": done.left, "needed": done.needed}
    return Answer(f"{line}\n", data=(data,))


COMMAND = Command(
    name="gc",
    doc="collect garbage in the cache",
    usage="""\
doit gc [--size 20G] [--age 30d]

Removes the least recently used objects from the cache until --size is left, or those unused for
--age; without either, all that no build in any checkout needs. Keeps what running builds use.
""",
    section="This host",
    run=run,
    options=(
        Option("size", "remove the oldest objects until this much is left", example="20G"),
        Option("age", "remove objects unused for this long", example="30d"),
    ),
)
