"""`doit pull:NAME`: fetch a finished ISO from the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context

if TYPE_CHECKING:
    from debate.settings import Settings


def require(settings: Settings) -> None:
    """There must be a remote. Raises DebateError."""
    from debate.commands.logic.publish import require_remote

    require_remote(settings)


def run(context: Context, profile: str) -> Answer:
    """Fetch the ISO of the profile's config into the output directory. Raises DebateError."""
    from debate.commands.logic.publish import pull

    return Answer(report=pull(context.made(profile)))


COMMAND = Command(
    name="pull",
    doc="fetch the finished ISO from the remote instead of building it",
    usage="""\
doit pull:NAME

Fetches the finished ISO of this config from the remote, instead of building it. Does not need root.
""",
    section="Share",
    run=run,
    per="profile",
    needs=("config",),
    require=require,
    answers=False,
)
