"""`doit write:NAME`: write an ISO to a USB stick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context, Option

if TYPE_CHECKING:
    from debate.settings import Settings


def require(_: Settings, device: str, yes: str) -> None:
    """There must be a disk that nothing uses, and somebody to ask. Raises DebateError."""
    from debate.commands.logic.write import require

    require(device, yes)


def run(context: Context, profile: str, device: str, yes: str) -> Answer:
    """Write the last build to ``device``. Raises DebateError."""
    from debate.commands.logic.write import write

    return Answer(report=write(context.build(profile), device, context.ask, confirmed=bool(yes)))


COMMAND = Command(
    name="write",
    doc="write the ISO to a USB stick, and read it back",
    usage="""\
doit write:NAME [--device DEVICE] [--yes DEVICE]

Writes the ISO to a whole disk, such as /dev/sdb, reads it back and compares it by SHA-256. All
that was on the disk is lost. Without --device, shows the disks that there are. A disk is refused if
it is mounted, swap space, part of LVM, RAID or something encrypted, in /etc/fstab, open in another
program, read-only, or too small. Asks for the disk's name before it writes; --yes with the same
DEVICE answers for scripts, in which a name in /dev/disk/by-id stays that of one stick.

What was interrupted is told, and does not start.

  doit write:minimal
  doit write:minimal --device /dev/sdb
""",
    section="Build",
    run=run,
    per="profile",
    options=(
        Option("device", "the disk to write to", example="/dev/sdb", path=True),
        Option("yes", "the same disk, which answers the question", example="/dev/sdb", path=True),
    ),
    root=True,
    needs=("build",),
    require=require,
    answers=False,
)
