"""`doit gc`: remove unused objects from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debate.commands.command import Answer, Command, Context, Option
from debate.errors import DebateError
from debate.text import amounts
from debate.text.amounts import bytes_shown, count

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.settings import Settings


def require(_: Settings, size: str, age: str, source: str) -> tuple[int | None, float | None]:
    """``size`` in bytes and ``age`` in seconds, as far as they are given. Raises DebateError for what is neither."""
    del source
    return amounts.size(size, "--size") if size else None, amounts.age(age, "--age") if age else None


def run(context: Context, size: str, age: str, source: str) -> Answer:
    """Collect down to ``size`` or ``age``, as the user wrote them; without either, all that no build needs.

    With ``source``, remove what is there on its word, and collect nothing else. Raises DebateError if they are not a
    size, an age and a source.
    """
    from debate.cache.collect import collect
    from debate.cache.store import Store

    settings = context.settings
    if source:
        text, data = dropped(Store(settings.cache, context.say), source)
        return Answer(f"{text}\n", data=(data,))
    asked, unused = require(settings, size, age, source)
    limit = asked if size else max(settings.cache_size, 0) or (None if age else 0)
    store = Store(settings.cache, context.say)
    store.secure()
    done = collect(store, size=limit, age=unused)
    line = f"{count(done.objects, 'object')} removed, {bytes_shown(done.freed)}; {bytes_shown(done.left)} left"
    if done.downloads:
        line += f"; {count(done.downloads, 'download')} removed, which were not finished"
    if limit is not None and done.left > limit > 0:
        line += (
            f", more than the {bytes_shown(limit)} asked for: builds need {bytes_shown(done.needed)} "
            "(remove directories in build/ that are no longer needed)"
        )
    data = {"removed": done.objects, "freed": done.freed, "left": done.left, "needed": done.needed}
    return Answer(f"{line}\n", data=(data,))


def dropped(store: Store, source: str) -> tuple[str, dict[str, Any]]:
    """Remove what is in the store on the word of ``source``. Returns a line and its values.

    Raises DebateError if nothing is.
    """
    from debate.cache.sources import drop

    done = drop(store, source)
    if not done.actions and not done.traces:
        have = f"the store has results of {', '.join(done.sources)}" if done.sources else "the store has no results"
        raise DebateError(f"nothing here is from {source!r}", have, place="--source")
    removed = f"{count(done.actions, 'action')} of {source} removed"
    line = f"{removed}; {count(done.objects, 'object')} that only they named, {bytes_shown(done.bytes)}"
    data = {"source": source, "actions": done.actions, "removed": done.objects, "freed": done.bytes}
    return line, data


SOURCE = Option("source", "whose results to remove: the address of a remote, the number of a key, or here")

COMMAND = Command(
    name="gc",
    doc="collect garbage in the cache",
    usage="""\
doit gc [--size 20G] [--age 30d] [--source SOURCE]

Removes the least recently used objects from the cache until --size is left, or those unused for
--age; without either, all that no build in any checkout needs. Keeps what running builds use.

With --source, removes the results that are here on the word of SOURCE instead, and all that only
they name, whoever needs it: the next build makes it anew. SOURCE is the address of a remote, the
number of a minisign key (16 hex digits), or here for what was built on this machine. Change the
settings first, or the next build fetches the same again.

  doit gc --source oci://registry.example/isos
""",
    section="This host",
    run=run,
    options=(
        Option("size", "remove the oldest objects until this much is left", example="20G"),
        Option("age", "remove objects unused for this long", example="30d"),
        SOURCE,
    ),
    require=require,
)
