"""`doit check:NAME`: boot an ISO in QEMU."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context, profile: str) -> Answer:
    """Boot the last build as each firmware it is for. Raises DebateError where a boot fails."""
    from debate.commands.logic.check import check

    return Answer(report=check(context.build(profile)))


COMMAND = Command(
    name="check",
    doc="boot the ISO in QEMU, as BIOS and as UEFI",
    usage="""\
doit check:NAME

Boots the ISO in QEMU, as BIOS and as UEFI at the same time, until the login prompt or the
profile's own marker appears. build/NAME/check/ has the console logs and screenshots. Takes about a
minute; with KVM less. `./setup check:NAME` installs QEMU first.
""",
    section="Build",
    run=run,
    per="profile",
    root=True,
    needs=("build",),
    answers=False,
)
