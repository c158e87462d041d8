"""`doit verify:NAME`: build an ISO again under different conditions and compare."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context, profile: str) -> Answer:
    """Rebuild and compare. Raises DebateError, which names the first step that differs."""
    from debate.commands.logic.verify import verify

    return Answer(report=verify(context.build(profile)))


COMMAND = Command(
    name="verify",
    doc="build the ISO again under different conditions and compare, bit for bit",
    usage="""\
doit verify:NAME

Builds the ISO again with empty caches, in another directory, at another time, with another number
of processors, and compares each step bit for bit. Names the first step and file that differ.
""",
    section="Build",
    run=run,
    per="profile",
    root=True,
    needs=("*",),
    answers=False,
)
