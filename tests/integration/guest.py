"""Runs inside a live system of ours, with systemd as PID 1 and cgroup v2: sandboxes under both kinds of limits there.

Prints a line for each try, ``guest: KIND: TRY: RESULT``, on the console. `test_guest` makes the ISO, boots it
and reads them.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from debate.errors import DebateError
from debate.model import Reach
from debate.sandbox import limits as control_groups
from debate.sandbox import runner
from debate.sandbox.image.command import Command
from debate.sandbox.session import Session
from debate.settings import Limits

TOOLS = "/run/live/medium/live/2-packages.squashfs"
"""The lowest layer of the ISO that this system was started from: shell, perl and the usual tools."""
TRIES = {
    "works": (":", Limits(memory=512 << 20)),
    "memory": ("exec tail /dev/zero", Limits(memory=64 << 20)),
    "processes": ("for n in $(seq 200); do sleep 60 & done; wait", Limits(memory=512 << 20, processes=40)),
    "time": ("echo waiting; sleep 600", Limits(memory=512 << 20, warn_after=2, stop_after=3)),
    "attacks": ("sh /run/step/attacks/run.sh", Limits(memory=512 << 20, stop_after=600)),
    "limits": ("sh /run/step/attacks/run.sh own-limits", Limits(memory=512 << 20, stop_after=600)),
}
UID_BASE = 1_310_720_000


def attempt(kind: str, name: str) -> str:
    """Run one try. Returns what a user would read, in one line."""
    script, bounds = TRIES[name]
    workspace = Path(tempfile.mkdtemp(prefix="guest-", dir="/var/tmp"))
    (workspace / "in").mkdir()
    commands = (
        Command(("/bin/sh", "-c", script), rights="bootstrap"),
        Command(("/bin/sh", "-c", "echo fine > /run/out/done")),
    )
    session = Session(
        directory=str(workspace), tools=TOOLS, layers=(), outputs=("done",), scripts="/opt/debate", environment={},
        commands=commands, uid_base=UID_BASE, shown=(), mirrors=(), reach=Reach(),
        scratch="tmpfs", bytes=1 << 30, inodes=100_000, cgroup_procs=(),
    )  # fmt: skip
    log = workspace.parent / f"{kind.split()[-1]}-{name}.log"
    try:
        runner.run(f"{name}-{time.monotonic_ns()}", session, bounds, log, step=name, warn=lambda _: None)
        result = "done"
    except DebateError as error:
        result = str(error).splitlines()[0]
    shutil.rmtree(workspace)
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("attack "):
            say(kind, line)
    return result


def left() -> str:
    """What is still there of sandboxes that ended."""
    deadline = time.monotonic() + 10
    while True:
        groups = [path for path in Path("/sys/fs/cgroup").rglob("debate-*") if path.is_dir()]
        mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if "guest-" in line]
        if not groups and not mounts:
            return "nothing"
        if time.monotonic() > deadline:
            return f"{groups} {mounts}"
        time.sleep(0.2)


def updates() -> str:
    """The units that have brought this system up to date when it booted."""
    units = [f"{name}.service" for name in ("ldconfig", "systemd-journal-catalog-update", "systemd-sysusers")]
    words = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", *units]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return " ".join(line.split()[0] for line in lines) or "none"


def say(kind: str, text: str) -> None:
    """Opened each time: a getty that starts on the console hangs up on who else has it open."""
    with open("/dev/ttyS0", "w") as console:
        console.write(f"guest: {kind}: {text}\r\n")


def main() -> None:
    """Try everything under the kind that is found here, and under plain cgroup v2 what limits have to do with."""
    say("boot", f"updates: {updates()}")
    found = control_groups.kind()
    for kind in (found, "cgroup v2"):
        control_groups.kind = lambda chosen=kind: chosen  # type: ignore[assignment, misc]
        for name in TRIES:
            if name == ("limits" if kind == found else "attacks"):
                continue
            say(kind, f"{name}: {attempt(kind, name)}")
        say(kind, f"left: {left()}")


if __name__ == "__main__":
    try:
        main()
    finally:
        say("all", "over")
