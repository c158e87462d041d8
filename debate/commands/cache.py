"""`doit cache`: the content of the store, and what it saved."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context) -> Answer:
    """Report on the store."""
    from debate.cache.report import report
    from debate.cache.store import Store

    text, data = report(Store(context.settings.cache, context.say), context.settings.remote)
    return Answer(text, data=tuple(data))


COMMAND = Command(
    name="cache",
    doc="show the content of the cache, and how much work it saved",
    usage="""\
doit cache

Shows the size of the cache, how much of it no build needs any more, and for each build here what it
uses and how much work the cache saved.
""",
    section="This host",
    run=run,
)
