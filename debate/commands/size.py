"""`doit size:NAME`: what takes the space of an ISO, and what other compressions would make of it."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context, profile: str) -> Answer:
    """What the last build takes. Raises DebateError if its records are damaged."""
    from debate.commands.logic.size import size

    return size(context.build(profile))


COMMAND = Command(
    name="size",
    doc="show what takes the space, and what other compression would gain",
    usage="""\
doit size:NAME

Builds the ISO if need be, and shows what is on it (exact), which directories and packages of the
system take how much (exact, unpacked, with hard links once), and how large it would be with other
compressions. That is an estimate: each of them packs the same sample, of up to 32 blocks of 1 MiB
from all over the system, as image.compression would pack the whole. doit size:NAME --format json
has all packages.
""",
    section="Know why",
    run=run,
    per="profile",
    root=True,  # The step that it needs runs in a sandbox.
    needs=("space", "build"),
)
