"""`doit import-archiso`: make a profile from an archiso profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context
from debate.commands.foreign_profile import OPTIONS, source, written
from debate.steps.rule import HOST

if TYPE_CHECKING:
    from debate.settings import Settings


def require(settings: Settings, directory: str, name: str) -> None:
    """The directory to import must have a profiledef.sh. Raises DebateError."""
    from debate.convert import archiso
    from debate.convert.foreign import Foreign

    with Foreign(source(settings, directory, name)) as opened:
        archiso.read_definition(opened)


def run(context: Context, directory: str, name: str) -> Answer:
    """Convert the archiso profile in ``directory`` to the profile ``name``. Raises DebateError."""
    from debate.convert import archiso, export_archiso
    from debate.convert.foreign import Foreign

    path = source(context.settings, directory, name)
    tools = context.made(HOST).outputs("sandbox")["tools"]
    with Foreign(path) as opened:
        exported = export_archiso.read_back(opened)
        if exported is not None:
            return written(context, exported, name)
        variables = archiso.read_variables(context.builder(), tools, opened)
        return written(context, archiso.convert(opened, variables), name)


COMMAND = Command(
    name="import-archiso",
    doc="make a profile from an archiso profile",
    usage="""\
doit import-archiso -d DIRECTORY -n NAME

Makes profiles/NAME.yaml and its overlay from an archiso profile, and lists what has no counterpart.
""",
    section="Share",
    run=run,
    options=OPTIONS,
    root=True,
    needs=("sandbox",),
    require=require,
)
