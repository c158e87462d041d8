"""`doit check:NAME`: boot an ISO in QEMU."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context


def run(context: Context, profile: str) -> Answer:
    """Boot the last build with each of its firmwares. Raises DebateError if a boot fails."""
    from debate.commands.logic.check import check

    return Answer(report=check(context.build(profile)))


COMMAND = Command(
    name="check",
    doc="boot the ISO in QEMU, with BIOS, with UEFI and with Secure Boot",
    usage="""\
doit check:NAME

Boots the ISO in QEMU, with BIOS, with UEFI and (boot.secure) with Secure Boot, until what the
profile promises is there: its own marker on the serial console, or a shell that answers a command,
or a prompt at which one of its users can log in. Then check.ports must take connections from the
network, which has nobody but the guest, and check.commands must end with status 0; with
check.screen there must be a picture that stays. A login that starts again and again is told.
build/NAME/check/ has the console logs and screenshots.
Takes about a minute, less with KVM. `./setup check:NAME` installs QEMU first.
""",
    section="Build",
    run=run,
    per="profile",
    root=True,
    needs=("build",),
    answers=False,
)
