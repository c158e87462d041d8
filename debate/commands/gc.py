"""`doit gc`: collect garbage in the store."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context, Option


def run(context: Context, size: str, age: str) -> Answer:
    """Collect to ``size`` or ``age`` as the user wrote them; without either, all that no build needs.

    Raises DebateError for what is not a size or an age.
    """
    from debate.cache.collect import collect
    from debate.cache.store import Store
    from debate.text import amounts
    from debate.text.amounts import bytes_shown, count

    settings = context.settings
    limit = amounts.size(size, "--size") if size else settings.cache_size or (None if age else 0)
    unused = amounts.age(age, "--age") if age else None
    done = collect(Store(settings.cache), size=limit, age=unused)
    line = f"{count(done.objects, 'object')} removed, {bytes_shown(done.freed)}; {bytes_shown(done.left)} left"
    if limit is not None and done.left > limit > 0:
        line += (
            f", more than the {bytes_shown(limit)} asked for: builds need {bytes_shown(done.needed)} "
            "(remove the directories in build/ that are not needed any more)"
        )
    data = {"removed": done.objects, "freed": done.freed, "left": done.left, "needed": done.needed}
    return Answer(f"{line}\n", data=(data,))


COMMAND = Command(
    name="gc",
    doc="collect garbage in the cache",
    usage="""\
doit gc [--size 20G] [--age 30d]

Removes from the cache what was unused for longest until --size is left, or what was unused for
--age; without either, all that no build in any checkout needs. Never what a running build uses.
""",
    section="This host",
    run=run,
    options=(
        Option("size", "bytes that may be left, such as 20G"),
        Option("age", "remove what was unused for this long, such as 30d"),
    ),
)
