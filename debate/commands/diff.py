"""`doit diff A B`: the differences of two profiles, or of one at two git revisions."""

from __future__ import annotations

from collections.abc import Sequence

from debate.commands.command import Answer, Command, Context


def run(context: Context, names: Sequence[str]) -> Answer:
    """Compare two profiles. Raises DebateError."""
    from debate.commands.logic.diff import diff

    return diff(context.settings, names)


COMMAND = Command(
    name="diff",
    doc="show how two profiles differ, or one at two git revisions",
    usage="""\
doit diff A B

A and B are profiles, or NAME@REVISION for one in git. Compares config, packages and size.

  doit diff minimal rescue
  doit diff web@main web
""",
    section="Write a profile",
    run=run,
    names="A B",
)
