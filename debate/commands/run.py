"""`doit run:NAME`: try an ISO in QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debate.commands.command import Answer, Command, Context, Option

if TYPE_CHECKING:
    from debate.settings import Settings


def require(_: Settings, **options: Any) -> None:
    """There must be QEMU, what shows it, and what the options name. Raises DebateError."""
    from debate.commands.logic.run import Wishes, require

    require(Wishes(**options))


def run(context: Context, profile: str, **options: Any) -> Answer:
    """Run the last build until the user or the guest ends it. Raises DebateError."""
    from debate.commands.logic.run import Wishes, run

    run(context, profile, Wishes(**options))
    return Answer()


COMMAND = Command(
    name="run",
    doc="try the ISO in QEMU, in a window or on the terminal",
    usage="""\
doit run:NAME [--firmware bios|uefi|uefi-ia32] [--memory 4G] [--disk FILE] [--ssh] [--offline]
             [--netboot] [--secure-boot]

Boots the ISO in QEMU: in a window where there is a display, else on the terminal, which shows its
serial console; there Ctrl-A X ends it. With KVM where that works. The guest has a network. What it
writes is gone afterwards, except what is on a disk of its own.

  --firmware  bios, uefi or uefi-ia32; uefi if the profile has it
  --memory    of the guest; 2G, or 4G where twice as much is available
  --disk      a file that the guest has as a disk: qcow2 if its name ends in .qcow2, else raw
  --ssh       forward a port of 127.0.0.1 to the guest's sshd, and show the command when it answers
  --offline   without a network
  --netboot   start over the guest's network what doit netboot:NAME makes, by iPXE and BIOS
  --secure-boot  with UEFI that starts only what is signed (boot.secure)

  doit run:minimal
  truncate -s 20G disk.img && doit run:rescue --disk disk.img
  ./setup run:minimal             install QEMU first
""",
    section="Build",
    run=run,
    per="profile",
    options=(
        Option("firmware", "how the guest starts", choices=("bios", "uefi", "uefi-ia32")),
        Option("memory", "of the guest", example="4G"),
        Option("disk", "a file that the guest has as a disk", example="disk.img", path=True),
        Option("ssh", "forward a port to the guest's sshd", flag=True),
        Option("offline", "without a network", flag=True),
        Option("netboot", "over its network, without the ISO", flag=True),
        Option("secure-boot", "with firmware that starts only what is signed", flag=True),
    ),
    root=True,
    needs=("build",),
    require=require,
)
