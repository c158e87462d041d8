"""`doit explain:NAME`: which steps would run, and why; for the others, why they last ran."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context, profile: str) -> Answer:
    """Report on each step of a profile. Builds nothing. Raises DebateError if the profile is not valid."""
    from debate.commands.logic.explain import explain

    return explain(context.made(profile))


COMMAND = Command(
    name="explain",
    doc="show what would run and why, and why it ran last",
    usage="""\
doit explain:NAME

Says for each step of a build whether it would run and why, down to the line of the profile, the
file or the script that changed; for a step that is up to date, when and why it last ran. Those of
other commands, as of netboot, are told once they ran. Fails if a step is certain to fail, as with a
lock file that does not fit. Builds nothing. Does not need root.
""",
    section="Know why",
    run=run,
    per="profile",
)
