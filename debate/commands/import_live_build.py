"""`doit import-live-build`: a profile made from a configuration of live-build."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.commands.foreign_profile import OPTIONS, source, written


def run(context: Context, directory: str, name: str) -> Answer:
    """Turn the configuration in ``directory`` into the profile ``name``. Raises DebateError."""
    from debate.convert import live_build

    return written(context, live_build.convert(source(directory, name)), name)


COMMAND = Command(
    name="import-live-build",
    doc="make a profile from a configuration of live-build",
    usage="""\
doit import-live-build -d DIRECTORY -n NAME

Makes profiles/NAME.yaml and its overlay from what `lb config` left, and lists what has no
counterpart.
""",
    section="Share",
    run=run,
    options=OPTIONS,
)
