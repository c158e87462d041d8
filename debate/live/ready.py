"""The entries of the boot menu that a profile names instead of writing them out.

What a live system of one kind is told for one of them is in its module: `debate.live.interface.LiveSystem.ENTRIES`.

Sources: kernel-parameters.txt and spkguide.txt of Linux; systemd(1), kernel-command-line(7); espeakup(8); GRUB's manual
(fwsetup, chainloader).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ready:
    """One of them."""

    title: str
    """What stands behind the title of the menu, in parentheses; for what starts no live system, the title itself."""
    arguments: tuple[str, ...] = ()
    """Kernel arguments of every live system."""
    live: bool = False
    """True if the live system must be told by arguments of its own."""
    system: bool = True
    """True if it starts the live system."""
    medium: bool = False
    """True if its arguments are about the medium: without one there is nothing to do."""


SPEECH = "debate.speech"
"""The kernel argument with which espeakup starts, in a system that has the entry `accessibility`."""

READY: Mapping[str, Ready] = {
    "default": Ready(""),
    "toram": Ready("from memory", live=True, medium=True),
    "failsafe": Ready("safe graphics", ("nomodeset", "plymouth.enable=0", "loglevel=7", "systemd.show_status=1")),
    "serial": Ready("serial console", ("plymouth.enable=0",)),
    "accessibility": Ready("speech", (SPEECH, "systemd.wants=espeakup.service", "plymouth.enable=0")),
    "verify": Ready("check this medium first", live=True, medium=True),
    "persistence": Ready("with persistence", live=True),
    "memtest": Ready("Memory test", system=False),
    "firmware": Ready("Firmware setup", system=False),
    "disk": Ready("Start from the first disk", system=False),
}
"""By name, in the order of the documentation."""


def named(profile: Mapping[str, Any]) -> dict[str, int]:
    """Name of each ready entry in the menu of a profile, its fields with all defaults -> number of the item."""
    found: dict[str, int] = {}
    for number, entry in enumerate(profile["boot"]["entries"]):
        name = entry if isinstance(entry, str) else entry["name"]
        if name:
            found.setdefault(name, number)
    return found
