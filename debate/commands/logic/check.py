"""Boot an ISO with each firmware that it supports, until the system is up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from debate.errors import DebateError
from debate.history.records import AGAIN
from debate.host import ours
from debate.host.memory import available_memory
from debate.images import iso as iso_step
from debate.images.kinds import ISO
from debate.images.results import names_of_images
from debate.machines import machine
from debate.qemu import guest as qemu
from debate.qemu.login import Login
from debate.steps.boot import Slice
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
        raise DebateError("not installed", f"run ./setup check:{build.name}", place=emulated.qemu)
    iso = build.directory / names_of_images(build.name, grub.architecture)[ISO.rule]
    about = build.load("about")
    wanted = about["check"]
    menu = build.slice("iso", iso_step.Slice)
    _require_time(menu.timeout, wanted["timeout"], f"check:{build.name}")
    serial = _says(menu.console, wanted, f"check:{build.name}")
    try:
        compiled(wanted["marker"] or "")
    except ValueError:
        raise DebateError("damaged", AGAIN, place=shown(build.directory / "about.json")) from None
    login = Login(**about["login"]) if serial else None
    directory = build.directory / "check"
    ours.remove(directory)
    ours.make_directory(directory)
    guests = [
        qemu.Guest(
            iso=iso,
            firmware=firmware,
            log=directory / f"{firmware}.log",
            screenshot=directory / f"{firmware}.png",
            say=partial(_tell, build.builder.activity, firmware),
            machine=emulated,
            login=login,
            screen=wanted["screen"],
        )
        for firmware in grub.firmware
    ]

    def boot(guest: qemu.Guest) -> str:
        seconds, acceleration = guest.boot(
            marker=wanted["marker"] or "",
            timeout=wanted["timeout"],
            acceleration=build.settings.acceleration,
        )
        return f"{guest.firmware} up in {seconds:.0f} s ({acceleration})"

    number = _at_a_time(guests)
    with ThreadPoolExecutor(number) as pool:
        notes = list(pool.map(boot, [replace(guest, processors=_processors(number)) for guest in guests]))
    return {"note": f"{', '.join(notes)}; {directory.name}/ has console logs and screenshots"}


def _says(consoles: Sequence[str], wanted: Mapping[str, Any], place: str) -> bool:
    """True if a guest says on ttyS0 how far it is. Raises DebateError if it does not, and should."""
    serial = any(kernel_line.tty(console) == "ttyS0" for console in consoles)
    if not serial and (wanted["marker"] or not wanted["screen"]):
        remedy = "add it to boot.console, or set check: {screen: true} without a marker"
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
