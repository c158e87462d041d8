"""`doit import-live-build`: make a profile from a live-build configuration."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.commands.foreign_profile import OPTIONS, source, written


def run(context: Context, directory: str, name: str) -> Answer:
    """Convert the configuration in ``directory`` to the profile ``name``. Raises DebateError."""
    from debate.convert import live_build

    with live_build.opened(source(directory, name)) as opened:
        return written(context, live_build.convert(opened), name)


COMMAND = Command(
    name="import-live-build",
    doc="make a profile from a live-build configuration",
    usage="""\
doit import-live-build -d DIRECTORY -n NAME

Makes profiles/NAME.yaml and its overlay from what `lb config` wrote, and lists what has no
counterpart.
""",
    section="Share",
    run=run,
    options=OPTIONS,
)
