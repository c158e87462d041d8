"""`check:NAME`: boot the ISO as each firmware it is for, until the system says it is up."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from debate.check import qemu
from debate.errors import DebateError

if TYPE_CHECKING:
    from debate.pipeline import Pipeline


def check(pipeline: Pipeline) -> dict[str, Any]:
    """Boot the last build. Raises DebateError where a boot fails.

    Leaves FIRMWARE.log and FIRMWARE.png of each firmware in check/ of the output directory.
    """
    if shutil.which(qemu.PROGRAM) is None:
        raise DebateError(f"{qemu.PROGRAM}: not installed; run ./setup check:{pipeline.name}")
    iso = pipeline.directory / pipeline.load("build.json")["iso"]
    wanted = pipeline.load("about.json")["check"]
    directory = pipeline.directory / "check"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    notes = []
    for firmware in pipeline.slice("boot")["firmware"]:
        guest = qemu.Guest(
            iso=iso,
            firmware=firmware,
            log=directory / f"{firmware}.log",
            screenshot=directory / f"{firmware}.png",
        )
        seconds, acceleration = guest.boot(
            marker=wanted["marker"] or qemu.PROMPT,
            timeout=wanted["timeout"],
            acceleration=pipeline.settings.acceleration,
        )
        notes.append(f"{firmware} up in {seconds:.0f} s ({acceleration})")
    return {"note": f"{', '.join(notes)}; {directory.name}/ has console logs and screenshots"}
