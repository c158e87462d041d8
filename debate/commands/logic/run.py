"""Try an ISO in QEMU, as a person wants it: see `debate.qemu.trial`."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from debate import install
from debate.commands.command import Context
from debate.commands.logic import netboot
from debate.errors import DebateError
from debate.host.http_files import offered
from debate.host.memory import available_memory
from debate.images import iso as iso_step
from debate.images.kinds import ISO
from debate.images.network import IPXE
from debate.images.results import names_of_images
from debate.machines import here, machine
from debate.qemu import trial
from debate.qemu.firmware import SECURE_BOOT, secure
from debate.qemu.guest import kvm_works
from debate.qemu.trial import Drive, Trial
from debate.steps.boot import Slice
from debate.steps.signing import known_to_firmware
from debate.text import amounts, kernel_line
from debate.text.amounts import bytes_shown

if TYPE_CHECKING:
    from debate.steps.work import ProfileBuild

_PORT = 2222
"""The port that is forwarded, unless something has it."""
_LEAST, _USUAL, _PLENTY = 256 << 20, 2 << 30, 4 << 30
"""Bytes of memory: the least that anything boots with, the default, and that where the host has twice as much."""
_MOST_PROCESSORS = 4
_SERVERS = frozenset(("openssh-server", "openssh", "dropbear", "dropbear-bin", "tinysshd"))
"""Packages with an ssh server."""


@dataclass(frozen=True)
class Wishes:
    """The options of the command."""

    firmware: str
    memory: str
    disk: str
    ssh: bool
    offline: bool
    secure_boot: bool
    netboot: bool


def require(wishes: Wishes) -> None:
    """Refuse what shows before anything is built. Raises DebateError."""
    emulated = here()
    if shutil.which(emulated.qemu) is None:
        raise DebateError("not installed", install("qemu-system-x86 and ovmf", "run:NAME"), place=emulated.qemu)
    if wishes.ssh and wishes.offline:
        raise DebateError("--ssh needs the network that --offline leaves out", "leave one out", place="run")
    if wishes.netboot:
        _require_netboot(wishes)
    if wishes.secure_boot:
        if wishes.firmware not in ("", "uefi"):
            raise DebateError(f"--secure-boot is of UEFI, not of {wishes.firmware}", "leave one out", place="run")
        secure(emulated)
    _memory(wishes.memory)
    with _drive(wishes.disk):
        pass
    kind, why = trial.window(os.environ, emulated)
    if not (kind or _on_a_terminal()):
        fact = f"there is no window ({why}), and standard input and output are no terminal"
        raise DebateError(fact, "use one of them; doit check:NAME needs neither", place="run")


def run(context: Context, profile: str, wishes: Wishes) -> None:
    """Run the last build of a profile until the user or the guest ends it. Raises DebateError."""
    build = context.build(profile)
    build.require_own()
    grub = build.slice("boot", Slice)
    emulated = machine(grub.architecture)
    kind, why = trial.window(os.environ, emulated)
    if not kind:
        _require_serial(build, why)
    with _drive(wishes.disk) as (drive, remark), _served(build, wanted=wishes.netboot) as script:
        kvm = build.settings.acceleration != "tcg" and (build.settings.acceleration == "kvm" or kvm_works(emulated))
        guest = Trial(
            name=profile,
            iso=build.directory / names_of_images(profile, grub.architecture)[ISO.rule],
            firmware=_firmware(wishes, grub, profile),
            memory=_memory(wishes.memory) >> 20,
            acceleration="kvm" if kvm else "tcg",
            processors=max(1, min(_MOST_PROCESSORS, os.cpu_count() or 1)) if kvm else 1,
            window=kind,
            drive=drive,
            network=not wishes.offline,
            port=trial.free_port(_PORT) if wishes.ssh else 0,
            script=script,
            machine=emulated,
            certificate=known_to_firmware(build.settings, grub.secure),
        )
        context.pause()
        over = threading.Event()
        for line in (*remark, *_told(guest, why)):
            context.say(line)
        if guest.port:
            _look_for_ssh(context, build, guest.port, over)
        try:
            guest.run(os.environ)
        finally:
            over.set()


def _on_a_terminal() -> bool:
    return os.isatty(0) and os.isatty(1)


def _require_serial(build: ProfileBuild, why: str) -> None:
    """Raises DebateError if a guest would show nothing on the terminal."""
    consoles = build.slice("iso", iso_step.Slice).console
    if not any(kernel_line.tty(console) == "ttyS0" for console in consoles):
        fact = f"there is no window ({why}), and the profile has no console ttyS0 to show on the terminal"
        raise DebateError(
            fact, "run it where there is a display, or add ttyS0 to boot.console", place=f"run:{build.name}"
        )


def _require_netboot(wishes: Wishes) -> None:
    """Raises DebateError for options with which nothing would start over a network."""
    if wishes.offline:
        raise DebateError("--netboot needs the network that --offline leaves out", "leave one out", place="run")
    if wishes.secure_boot or wishes.firmware not in ("", "bios"):
        other = "--secure-boot" if wishes.secure_boot else f"--firmware {wishes.firmware}"
        fact = f"--netboot is of the iPXE in QEMU's network card, which starts by BIOS, not with {other}"
        raise DebateError(fact, "leave one out; docs/netboot.md tells of UEFI", place="run")


@contextmanager
def _served(build: ProfileBuild, *, wanted: bool) -> Iterator[str]:
    """The address of the script for iPXE, for a guest; empty if it is not ``wanted``. Raises DebateError."""
    if not wanted:
        yield ""
        return
    build.make("network")
    netboot.write(build)
    with offered(build.directory / netboot.DIRECTORY, netboot.names(build), "127.0.0.1", 0) as server:
        yield f"http://{netboot.QEMU}:{server.server_port}/{IPXE}"


def _firmware(wishes: Wishes, grub: Slice, profile: str) -> str:
    """The firmware to start with: that of most machines, unless the profile does not have it. Raises DebateError."""
    wanted, possible = wishes.firmware, grub.firmware
    if wishes.netboot:
        return "bios"
    if wishes.secure_boot:
        if grub.secure == "none":
            fact = "--secure-boot: nothing on the ISO is signed, so it would not start"
            raise DebateError(fact, "leave it out; boot.secure says who signs", place=f"run:{profile}")
        return SECURE_BOOT
    if wanted and wanted not in possible:
        remedy = f"it has {' and '.join(possible)} (boot.firmware)"
        raise DebateError(f"--firmware {wanted}: the profile does not start by that", remedy, place=f"run:{profile}")
    return wanted or ("uefi" if "uefi" in possible else possible[0])


def _memory(wanted: str) -> int:
    """Bytes for the guest. Raises DebateError for less than it needs, and more than there is."""
    available = available_memory()
    if not wanted:
        return _PLENTY if available >= 2 * _PLENTY else _USUAL
    size = amounts.size(wanted, "--memory")
    if size < _LEAST:
        raise DebateError(f"{bytes_shown(size)} is too little for a guest", "give it 2G", place="--memory")
    if available and size > available:
        fact = f"{bytes_shown(size)} is more than the {bytes_shown(available)} that are available"
        raise DebateError(fact, "give it less, or end other programs", place="--memory")
    return size


@contextmanager
def _drive(name: str) -> Iterator[tuple[Drive | None, tuple[str, ...]]]:
    """The disk image ``name``, opened, and remarks about it. Raises DebateError."""
    if not name:
        yield None, ()
        return
    try:
        file = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        fact = getattr(error, "strerror", None) or str(error)
        remedy = f"make it first, for example: truncate -s 20G {name}" if isinstance(error, FileNotFoundError) else ""
        raise DebateError(fact, remedy, place=f"--disk {name}") from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise DebateError("is no file", "a disk of this machine is not given to a guest", place=f"--disk {name}")
        kind, why, remark = trial.format_of(name, os.pread(file, trial.HEADER, 0))
        if why:
            raise DebateError(why, "make one with qemu-img create or convert", place=f"--disk {name}")
        reading = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield Drive(file, reading, kind), (f"{name} {remark}",) if remark else ()
        finally:
            os.close(reading)
    finally:
        os.close(file)


def _told(guest: Trial, why: str) -> Iterator[str]:
    """What the user is told before it starts."""
    how = (
        f"{guest.firmware}, {guest.memory:,} MiB, {'KVM' if guest.acceleration == 'kvm' else 'without KVM, so slowly'}"
    )
    if guest.window:
        yield f"{guest.name} runs in a window ({how}); close it to end"
    else:
        yield f"{guest.name} runs here ({how}), since {why}: Ctrl-A X ends it, Ctrl-A H shows more keys"
    if guest.network:
        yield "it reaches what this machine reaches, and this machine's own services at 10.0.2.2, but with --offline"


def _look_for_ssh(context: Context, build: ProfileBuild, port: int, over: threading.Event) -> None:
    """Say the command as soon as sshd answers."""
    if not _SERVERS.intersection(package["name"] for package in build.load("manifest")["packages"]):
        context.say("there is no package of an ssh server on the ISO, so maybe nobody answers")
    about = build.load("about")
    user = about["ssh"] or about["login"].get("user") or "root"
    # A live system makes new keys each time, so there is none to know.
    command = f"ssh -p {port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {user}@127.0.0.1"
    trial.when_it_answers(port, over, partial(context.say, f"the guest's sshd answers: {command}"))
