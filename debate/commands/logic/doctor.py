"""Checks whether this host has what builds need, and says how to get the rest.

Where possible things are tried, not guessed from versions: a sandbox is started, an image is mounted, the mirror is
contacted.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate import PACKAGE, distributions, install, managers
from debate.build.builder import Builder
from debate.build.local import scratch
from debate.commands.command import Answer
from debate.errors import DebateError, Place, Problem
from debate.host.files import workspace_name
from debate.host.run import run
from debate.machines import MACHINES
from debate.model import Command, Step, Supplies
from debate.sandbox import limits
from debate.steps.rule import HOST
from debate.text.paths import shown

_MOST_SAID = 1 << 12
"""Bytes that the sandbox of a check says."""
NEEDED_DISK = 3 << 30
"""Bytes for the cache and the output directory of one profile."""
NEEDED_SYSTEMD = 252
"""The oldest supported version."""
NEEDED_LINUX = (6, 2)
"""The oldest one that id-maps squashfs."""
_CAPABILITIES = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SYS_CHROOT": 18,
    "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27,
}  # fmt: skip
"""Those without which no sandbox starts, and which containers may lack -> number, see linux/capability.h."""
_IN_CONTAINERS = "docs/containers.md says how to run debate in a container"


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    fact: str
    remedy: str = ""
    """How to get it; empty if it is not missing."""
    needed: bool = True
    """False if builds work without it."""
    place: Place | None = None
    """What the fact is about, where that is not the name."""

    @property
    def state(self) -> str:
        """ok, missing, or note if builds work without it."""
        return "ok" if not self.remedy else "missing" if self.needed else "note"

    @property
    def line(self) -> str:
        return f"  {self.state:8}{self.name:14}{Problem(self.place, self.fact, self.remedy)}"

    def to_json(self) -> dict[str, Any]:
        place = {"place": self.place.to_json()} if self.place else {}
        return {"name": self.name, "fact": self.fact, "remedy": self.remedy, "needed": self.needed, **place,
                "state": self.state}  # fmt: skip


def examine(builder: Builder) -> list[Finding]:
    """Run all checks, in the order in which a build would fail."""
    checks: list[Callable[[Builder], Finding | list[Finding]]] = [
        _user, _python, _nspawn, _bootstrapper, _privileges, _images, _groups, _sandbox, _disk, _memory, _mirrors,
        _qemu,
    ]  # fmt: skip
    if os.geteuid() != 0:
        checks = [_user, _python, _nspawn, _bootstrapper, _disk, _memory, _qemu]
    found = (check(builder) for check in checks)
    return [finding for one in found for finding in (one if isinstance(one, list) else [one])]


def _refused(name: str, error: DebateError, remedy: str = "see docs/sandbox.md") -> Finding:
    """The first problem of an error, with ``remedy`` if it has none: a finding without a remedy counts as ok."""
    problem = error.problems[0]
    return Finding(name, problem.fact, problem.remedy or remedy, place=problem.place)


def _user(_: Builder) -> Finding:
    if os.geteuid() == 0:
        return Finding("root", "yes")
    return Finding("root", "no", f"mounts, systemd-nspawn and the other checks need it: sudo {sys.argv[0]} doctor")


def _python(_: Builder) -> Finding:
    return Finding("Python", platform.python_version())


def _nspawn(_: Builder) -> Finding:
    try:
        words = run(["systemd-nspawn", "--version"]).split()
    except DebateError:
        return Finding("nspawn", "systemd-nspawn is not installed", install("systemd-container"))
    version = words[1] if len(words) > 1 else "?"
    digits = re.search(r"^[0-9]+", version)
    if digits and int(digits[0]) < NEEDED_SYSTEMD:
        return Finding(
            "nspawn", f"systemd {version}", f"{NEEDED_SYSTEMD} or later is needed: upgrade this host to a newer release"
        )
    return Finding("nspawn", f"systemd {version}")


def _bootstrapper(builder: Builder) -> Finding:
    program = distributions.BOOTSTRAPPERS[distributions.for_tools(builder.settings.base)]
    if shutil.which(program):
        return Finding(program, "installed, to make the tools tree")
    made = (builder.settings.output / HOST / "sandbox.json").exists()
    return Finding(program, "not installed", f"{install(program)}: it makes the tools tree", not made)


def _privileges(_: Builder) -> Finding:
    """Root of a container may be less than root. Sources: user_namespaces(7), proc_pid_status(5) (CapEff)."""
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        fact = "root of a user namespace alone, as in a container without root on the host"
        return Finding("privileges", fact, f"Linux lets it mount no images: {_IN_CONTAINERS}")
    effective = re.search(r"^CapEff:\t([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    held = int(effective[1], 16) if effective else 0
    lacking = [name for name, number in _CAPABILITIES.items() if not held >> number & 1]
    if lacking:
        return Finding("privileges", f"root without {', '.join(lacking)}, as in a container", _IN_CONTAINERS)
    return Finding("privileges", "those of root on the host")


def _remedy_for_images(builder: Builder) -> str:
    """What helps where images cannot be mounted."""
    if _privileges(builder).remedy:
        return "see privileges"
    if not Path("/dev/loop-control").exists():
        return "modprobe loop, or give this container /dev/loop-control and loop devices"
    version = tuple(map(int, re.findall(r"[0-9]+", platform.release())[:2]))
    if version < NEEDED_LINUX:
        return "Linux 6.2 or later is needed: upgrade this host to a newer release"
    return "a kernel with squashfs, overlayfs and id-mapped mounts is needed"


def _images(builder: Builder) -> Finding:
    kernel = f"Linux {platform.release()}"
    with tempfile.TemporaryDirectory(prefix="debate-doctor-") as directory:
        probe = [sys.executable, "-m", "debate.sandbox.probe", directory, str(builder.settings.uid_base)]
        try:
            run(probe, environment={"PYTHONPATH": str(PACKAGE.parent)})
        except DebateError as error:
            reason = error.details.replace(directory, "…") or error.problems[0].fact
            return Finding("kernel", f"{kernel}: {reason}", _remedy_for_images(builder))
    return Finding("kernel", f"{kernel}: loop devices, id-mapped squashfs, overlayfs")


def _groups(builder: Builder) -> Finding:
    try:
        group = limits.create(workspace_name("doctor"), builder.settings.limits)
    except DebateError as error:
        return _refused("limits", error)
    group.remove()
    return Finding("limits", f"{limits.kind()} limits memory, processors and processes")


def _sandbox(builder: Builder) -> Finding:
    step = Step(name="doctor", commands=(Command("doctor.sh"),), outputs=("said",), epoch=0)
    log = builder.settings.output / HOST / "logs" / "doctor.log"
    try:
        made = builder.run(step, Supplies(), log)
        said = builder.store.read(made["said"], _MOST_SAID).decode(errors="replace").split()
    except DebateError as error:
        return _refused("sandbox", error, f"{shown(log)} says why")
    if said != ["root", "lo"]:
        return Finding(
            "sandbox", f"not isolated: it sees {' '.join(said)}", "systemd-nspawn's --private-network is needed"
        )
    return Finding("sandbox", "starts, with root inside and without a network")


def _disk(builder: Builder) -> Finding:
    for setting, path in (("DEBATE_CACHE", builder.settings.cache), ("DEBATE_OUTPUT", builder.settings.output)):
        while not path.exists():
            path = path.parent
        free = shutil.disk_usage(path).free
        if free < NEEDED_DISK:
            fact = f"{free / 1e9:.1f} GB free on {shown(path)}"
            return Finding(
                "disk", fact, f"{NEEDED_DISK / 1e9:.0f} GB are needed: free some, or set {setting} to another disk"
            )
    return Finding("disk", f"{free / 1e9:.0f} GB free")


def _memory(builder: Builder) -> Finding:
    wanted = builder.settings.limits.memory / 1e9
    if scratch(builder.settings) == "tmpfs":
        return Finding("memory", f"sufficient ({wanted:.0f} GB per step)")
    fact = f"less than a step may use ({wanted:.0f} GB), so steps build on the disk"
    return Finding("memory", fact, "that works but is slower; DEBATE_MEMORY can be set to less", needed=False)


def _mirrors(builder: Builder) -> list[Finding]:
    """Every archive that the tools tree is made from; for a lock, the same ones are needed."""
    try:
        answers = list(managers.get(distributions.for_tools(builder.settings.base)).reach_mirrors(builder.settings))
    except DebateError as error:
        return [_refused("mirror", DebateError.of([problem])) for problem in error.problems]
    return [_refused("mirror", each) if isinstance(each, DebateError) else Finding("mirror", each) for each in answers]


def _qemu(_: Builder) -> Finding:
    if all(shutil.which(machine.qemu) for machine in MACHINES):
        return Finding("QEMU", "installed, for check:NAME")
    return Finding(
        "QEMU",
        "not installed",
        f"check:NAME needs it: {install('qemu-system-x86 and ovmf', 'check:NAME')}",
        needed=False,
    )


def report(builder: Builder) -> Answer:
    """All findings; not good if something is missing that builds need."""
    findings = examine(builder)
    lacking = [finding for finding in findings if finding.state == "missing"]
    verdict = "This host can build."
    if lacking:
        verdict = (
            f"This host cannot build yet; missing: {', '.join(dict.fromkeys(finding.name for finding in lacking))}"
        )
    return Answer(
        "\n".join([verdict, *(finding.line for finding in findings)]) + "\n",
        good=not lacking,
        problems=tuple(
            Problem(finding.place or Place(finding.name), finding.fact, finding.remedy) for finding in lacking
        ),
        data=tuple(finding.to_json() for finding in findings),
    )
