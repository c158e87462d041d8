"""Boot images and menu: GRUB, for BIOS and UEFI, with one grub.cfg.

Sources: grub-mkimage(1), GRUB's manual (search, serial, linux), UEFI specification 2.10, 3.5.1.1
(EFI/BOOT/BOOTX64.EFI).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from debate import keys
from debate.live.interface import Live
from debate.model import Artifact, Command, Step, as_lines


def step(boot: Mapping[str, Any], base: Artifact) -> Step:
    """Outputs: bios and mbr, efi, as far as the profile's firmware asks for them."""
    outputs = []
    if "bios" in boot["firmware"]:
        outputs += ["bios", "mbr"]
    if "uefi" in boot["firmware"]:
        outputs += ["efi"]
    volume = hashlib.sha256(keys.canonical(boot["label"])).hexdigest()[:8]
    return Step(
        name="boot",
        commands=(Command("boot.sh"),),
        outputs=tuple(outputs),
        epoch=keys.epoch(keys.key({"label": boot["label"], "firmware": boot["firmware"]})),
        parameters={
            "firmware": as_lines(boot["firmware"]),
            "early.cfg": _early(boot["label"]).encode(),
            "volume": volume.encode(),
        },
        base=base,
    )


def _early(label: str) -> str:
    """What the boot images themselves hold: find the ISO, whichever drive it is."""
    return (
        f"search --no-floppy --set=root --label {_quote(label)}\n"
        "set prefix=($root)/boot/grub\n"
        "configfile ($root)/boot/grub/grub.cfg\n"
    )


def menu(boot: Mapping[str, Any], live: Live) -> str:
    """The text of boot/grub/grub.cfg."""
    lines = []
    for console in boot["console"]:
        name, _, options = console.partition(",")
        if name.startswith("ttyS"):
            speed = "".join(c for c in options if c.isdigit())[:6] or "9600"
            speed = speed if len(speed) < 4 else options.rstrip("noe78r") or speed
            lines.append(f"serial --unit={int(name[4:])} --speed={speed}")
            lines += ["terminal_input console serial", "terminal_output console serial"]
            break
    timeout = boot["timeout"]
    arguments = [*live.arguments, *(f"console={c}" for c in boot["console"]), *boot["arguments"]]
    lines += [
        "set default=0",
        f"set timeout={timeout}",
        f"menuentry {_quote(boot['title'])} {{",
        f"    linux {live.kernel} {' '.join(map(_quote, arguments))}",
        f"    initrd {live.initrd}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """GRUB's shell knows single quotes; the schema keeps them out of all that comes here."""
    safe = all(c.isalnum() or c in "-_.,:=/+@" for c in text)
    return text if safe and text else f"'{text}'"
