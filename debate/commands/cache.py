"""`doit cache`: what is in the store and for whom, and what it saved."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.steps.rule import HOST


def run(context: Context) -> Answer:
    """Report on the store."""
    from debate.cache.report import report
    from debate.cache.store import Store

    text, data = report(Store(context.settings.cache, context.say), context.settings.remote, HOST)
    return Answer(text, data=tuple(data))


COMMAND = Command(
    name="cache",
    doc="show the content of the cache, and how much work it saved",
    usage="""\
doit cache

Shows the size of the cache, how much of it is kept for profiles, for the tools tree and as packages
of locks, and how much no build needs any more. Then for each build here what it needs, how much of
that others need, too, and how much work the cache saved; of many builds those first for which alone
most is kept.
""",
    section="This host",
    run=run,
)
