"""`doit export-archiso:NAME`: write a profile in the form that mkarchiso accepts."""

from __future__ import annotations

from debate import keys
from debate.commands.command import Answer, Command, Context
from debate.steps import config
from debate.text.amounts import count
from debate.text.paths import shown


def run(context: Context, profile: str) -> Answer:
    """Write build/NAME/archiso/. Raises DebateError."""
    from debate.convert import draft, export_archiso
    from debate.profile.load import load

    settings = context.settings
    loaded = load(settings.profiles, profile)
    made = config.normalise(loaded, settings.profiles)
    own = export_archiso.own_profile(loaded.data, made)
    exported = export_archiso.export(profile, made, own, keys.epoch(made.hash))
    directory = settings.output / profile / "archiso"
    export_archiso.write(exported, settings.output, f"{profile}/archiso")
    files = count(len(exported.files), "file")
    return Answer(
        report={
            "note": f"{shown(directory)}: {files}; mkarchiso -v {shown(directory)} builds it",
            "lines": draft.told(exported.losses),
        }
    )


COMMAND = Command(
    name="export-archiso",
    doc="write a profile in the form that mkarchiso accepts",
    usage="""\
doit export-archiso:NAME

Writes build/NAME/archiso/, a profile that mkarchiso accepts, and lists what has no counterpart.
""",
    section="Share",
    run=run,
    per="profile",
    needs=("hash",),
    answers=False,
)
