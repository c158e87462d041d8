"""Boot an ISO with each firmware that it supports, until the system is up, and once more with Secure Boot."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any

from debate import install
from debate.errors import DebateError
from debate.history.records import AGAIN
from debate.host import ours
from debate.host.memory import available_memory
from debate.images import iso as iso_step
from debate.images.kinds import ISO
from debate.images.results import names_of_images
from debate.live.ready import READY
from debate.machines import Machine, machine
from debate.qemu import firmware as firmwares
from debate.qemu import guest as qemu
from debate.qemu.login import Login
from debate.steps.boot import Slice
from debate.steps.signing import known_to_firmware
from debate.text import kernel_line
from debate.text.paths import shown
from debate.text.pattern import compiled

if TYPE_CHECKING:
    from debate.model import Activity
    from debate.steps.work import ProfileBuild


def check(build: ProfileBuild) -> dict[str, Any]:
    """Boot the last build. Raises DebateError if a boot fails.

    Writes FIRMWARE.log and FIRMWARE.png for each firmware to check/ in the output directory.
    """
    build.require_own()
    grub = build.slice("boot", Slice)
    emulated = machine(grub.architecture)
    if shutil.which(emulated.qemu) is None:
        raise DebateError(
            "not installed", install("qemu-system-x86 and ovmf", f"check:{build.name}"), place=emulated.qemu
        )
    iso = build.directory / names_of_images(build.name, grub.architecture)[ISO.rule]
    about = build.load("about")
    wanted = about["check"]
    menu = build.slice("iso", iso_step.Slice)
    _require_time(menu.timeout, wanted["timeout"], f"check:{build.name}")
    serial = _says(_consoles(menu, f"check:{build.name}"), wanted, f"check:{build.name}")
    try:
        compiled(wanted["marker"] or "")
        addresses = tuple(map(IPv4Interface, about["addresses"]))
        if not all(0 < port < 1 << 16 for port in wanted["ports"]):
            raise ValueError
    except ValueError:
        raise DebateError("damaged", AGAIN, place=shown(build.directory / "about.json")) from None
    login = Login(**about["login"]) if serial else None
    directory = build.directory / "check"
    ours.remove(directory)
    ours.make_directory(directory)
    ways, untried = _ways(grub, emulated)
    guests = [
        qemu.Guest(
            iso=iso,
            firmware=firmware,
            log=directory / f"{firmware}.log",
            screenshot=directory / f"{firmware}.png",
            say=partial(_tell, build.builder.activity, firmware),
            machine=emulated,
            certificate=known_to_firmware(build.settings, grub.secure),
            login=login,
            screen=wanted["screen"],
            ports=tuple(wanted["ports"]),
            addresses=addresses,
            commands=tuple(wanted["commands"]),
            menu=0 if serial else menu.timeout,
        )
        for firmware in ways
    ]

    def boot(guest: qemu.Guest) -> str:
        seconds, acceleration = guest.boot(
            marker=wanted["marker"] or "",
            timeout=wanted["timeout"],
            acceleration=build.settings.acceleration,
        )
        return f"{guest.firmware} up in {seconds:.0f} s ({acceleration})"

    number = _at_a_time(guests)
    notes = _side_by_side([replace(guest, processors=_processors(number)) for guest in guests], number, boot)
    return {"note": f"{', '.join(notes)}; {directory.name}/ has console logs and screenshots", "lines": untried}


def _ways(grub: Slice, emulated: Machine) -> tuple[list[str], list[str]]:
    """Values of `Guest.firmware` with which to boot, and lines about those that this host lacks."""
    if grub.secure == "none":
        return [*grub.firmware], []
    try:
        firmwares.secure(emulated)
    except DebateError as error:
        return [*grub.firmware], [f"not booted with Secure Boot: {each.fact}; {each.remedy}" for each in error.problems]
    return [*grub.firmware, firmwares.SECURE_BOOT], []


def _side_by_side(guests: Sequence[qemu.Guest], number: int, boot: Callable[[qemu.Guest], str]) -> list[str]:
    """What ``boot`` returns for each of ``guests``, ``number`` of them at a time.

    Raises DebateError with the problems of all that failed. An interruption ends all of them at once.
    """
    stopped = threading.Event()
    with ThreadPoolExecutor(number) as pool:
        try:
            boots = [pool.submit(boot, replace(guest, stopped=stopped)) for guest in guests]
            while wait(boots, 1).not_done:
                pass  # A signal just before a wait without end would be noticed after it.
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    errors = [error for each in boots if (error := each.exception())]
    told = [error for error in errors if isinstance(error, DebateError)]
    if len(told) > 1 and told == errors:
        problems = [problem for error in told for problem in error.problems]
        raise DebateError.of(problems, details="\n".join(error.details for error in told), log=told[0].log)
    return [each.result() for each in boots]


def _consoles(menu: iso_step.Slice, place: str) -> list[str]:
    """Those of the entry that starts by itself. Raises DebateError if that starts no live system."""
    entry = next(entry for entry in menu.entries if entry.id == menu.default)
    if entry.id in READY and not READY[entry.id].system:
        fact = f"the boot menu starts {entry.id} by itself (boot.default), and not the live system"
        raise DebateError(fact, "choose another boot.default in a profile for the check", place=place)
    words = (word.partition("=") for word in entry.arguments)
    return [value for name, _, value in words if name == "console"]


def _says(consoles: Sequence[str], wanted: Mapping[str, Any], place: str) -> bool:
    """True if a guest says on ttyS0 how far it is. Raises DebateError if it does not, and should."""
    serial = any(kernel_line.tty(console) == "ttyS0" for console in consoles)
    if not serial and (wanted["marker"] or wanted["commands"] or not wanted["screen"]):
        remedy = "add it to boot.console, or set check: {screen: true} without a marker and commands"
        raise DebateError("the profile has no console ttyS0, so the guest says nothing", remedy, place=place)
    return serial


def _require_time(menu: int, limit: int, place: str) -> None:
    """Raises DebateError if the boot menu waits for longer than the check, in seconds; a negative time is for ever."""
    if not 0 <= menu < limit:
        fact = "the boot menu waits " + (f"{menu} s (boot.timeout)" if menu >= 0 else "for ever (boot.timeout: -1)")
        raise DebateError(f"{fact}, and the check gives up after {limit} s", "shorten boot.timeout", place=place)


def _processors(number: int) -> int:
    """Processors per guest, for this number of guests: two, unless the guests would slow each other down."""
    return max(1, min(2, (os.cpu_count() or 1) // number))


_LINE_END = 80
"""Characters that are shown of the end of a line."""


def _tell(activity: Activity, firmware: str, line: str) -> None:
    """Show the console of a guest beside the running step; all guests write there.

    GRUB redraws its menu repeatedly in what is one line here, so only the end of the line is current.
    """
    words = " ".join(line.split())
    if words:
        activity.show(f"{firmware}: {words[-_LINE_END:]}")


def _at_a_time(guests: list[qemu.Guest]) -> int:
    """How many guests can run at a time, by memory and processors. A booting guest uses little more than one."""
    memory = available_memory() // (guests[0].memory << 20)
    return max(1, min(len(guests), os.cpu_count() or 1, memory - 1))
