"""`doit netboot:NAME`: what starts a live system over a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context, Option
from debate.errors import DebateError

if TYPE_CHECKING:
    from debate.settings import Settings


def require(_: Settings, *, serve: bool, address: str, port: str) -> None:
    """Raises DebateError for an address or a port that is none."""
    from debate.commands.logic.netboot import place_of

    place_of(address, port)
    if not serve and (address or port):
        raise DebateError(
            "nothing is offered without --serve",
            "add --serve, or leave it out",
            place="--address" if address else "--port",
        )


def run(context: Context, profile: str, *, serve: bool, address: str, port: str) -> Answer:
    """Write the directory, and offer it. Raises DebateError if the initramfs cannot fetch a system."""
    from debate.commands.logic.netboot import offer, place_of, write

    build = context.build(profile)
    report = write(build)
    if serve:
        offer(build, *place_of(address, port), context.say)
    return Answer(report=report)


COMMAND = Command(
    name="netboot",
    doc="gather what starts the system over a network: iPXE, PXE, UEFI HTTP boot",
    usage="""\
doit netboot:NAME [--serve] [--address ADDRESS] [--port PORT]

Makes build/NAME/netboot/: kernel, initramfs, the images of the ISO, a script for iPXE, GRUB with
its menu, checksums, README. See docs/netboot.md.

  doit netboot:minimal
  doit netboot:minimal --serve                       offer it by HTTP on this machine until Ctrl-C
  doit netboot:minimal --serve --address 192.0.2.1   offer it to a network
""",
    section="Build",
    run=run,
    per="profile",
    options=(
        Option("serve", "offer the directory by HTTP until Ctrl-C", flag=True),
        Option("address", "the address to offer it at; 127.0.0.1 without it"),
        Option("port", "the port; 8000 without it"),
    ),
    root=True,
    needs=("network", "secrets", "rootfs", "overlay", "initrd"),
    require=require,
    answers=False,
)
