"""`doit import-live-build`: make a profile from a live-build configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context
from debate.commands.foreign_profile import OPTIONS, source, written

if TYPE_CHECKING:
    from debate.settings import Settings


def require(settings: Settings, directory: str, name: str) -> None:
    """The directory to import must have the configuration of live-build. Raises DebateError."""
    from debate.convert import live_build

    with live_build.opened(source(settings, directory, name)):
        pass


def run(context: Context, directory: str, name: str) -> Answer:
    """Convert the configuration in ``directory`` to the profile ``name``. Raises DebateError."""
    from debate.convert import live_build

    with live_build.opened(source(context.settings, directory, name)) as opened:
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
    require=require,
)
