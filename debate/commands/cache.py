"""`doit cache`: what the store holds, and what it saved."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context) -> Answer:
    """Look at the store."""
    from debate.cache.report import text
    from debate.cache.store import Store

    return Answer(text(Store(context.settings.cache), context.settings.remote))


COMMAND = Command(
    name="cache",
    doc="show what the cache holds, and what it saved",
    usage="""\
doit cache

Shows the size of the cache, what no build needs any more, and for each build here what it uses and
how much work the cache saved it.
""",
    section="This host",
    run=run,
)
