"""`doit push:NAME`: send a finished ISO to the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context

if TYPE_CHECKING:
    from debate.settings import Settings


def require(settings: Settings) -> None:
    """There must be a remote to send to. Raises DebateError."""
    from debate.commands.logic.publish import require_sending

    require_sending(settings)


def run(context: Context, profile: str) -> Answer:
    """Send the last build, and the steps that led to it. Raises DebateError."""
    from debate.commands.logic.publish import push

    return Answer(report=push(context.made(profile)))


COMMAND = Command(
    name="push",
    doc="send the finished ISO to the remote",
    usage="""\
doit push:NAME

Sends the finished ISO and its steps to the remote (DEBATE_REMOTE).
""",
    section="Share",
    run=run,
    per="profile",
    root=True,
    needs=("build",),
    require=require,
    answers=False,
)
