"""`doit doctor`: check what this host lacks."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context) -> Answer:
    """Check this host."""
    from debate.commands.logic.doctor import report

    return report(context.reader())


COMMAND = Command(
    name="doctor",
    doc="say what this host lacks",
    usage="""\
doit doctor

Checks what builds need: programs, kernel, a sandbox, disk, memory, the mirror. Says how to get what
is missing. As root it checks more.
""",
    section="This host",
    run=run,
)
