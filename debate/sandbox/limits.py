"""Limits on memory, processors and processes, as control groups.

Depending on the host this uses a systemd scope if systemd is PID 1, else cgroup v2, else the controllers of cgroup v1.
A host with none of them is refused. Bytes and files are limited by the size of the scratch file system
(`debate.sandbox.mounts`), time by the builder.

Sources: systemd.resource-control(5), cgroups(7), Documentation/admin-guide/cgroup-v1/ and
cgroup-v2.rst of Linux.
"""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from debate.errors import DebateError
from debate.text.lines import lines_of

if TYPE_CHECKING:
    from debate.settings import Limits

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
"""Microseconds of a period of processor time."""
_PIECE = 64 << 10
"""Bytes. A file system with less than this is full: programs write in pieces, and remove none of them if one fails."""
_FILES = 64
"""A file system that has fewer to give has none: a file in an overlay can need several, and temporary ones are gone."""


@dataclass(frozen=True)
class Group:
    """The control group of one sandbox. Remove it with `remove`."""

    directories: tuple[Path, ...]
    prefix: tuple[str, ...] = ()
    """Words before the command, for a scope."""
    counters: Mapping[str, Path] = field(default_factory=dict)
    """Setting name -> file that counts how often its limit was exceeded."""

    @property
    def procs(self) -> tuple[str, ...]:
        """Files to which a process writes its id to join the group."""
        return tuple(str(directory / "cgroup.procs") for directory in self.directories)

    def exceeded(self) -> str:
        """The setting whose limit was exceeded, or an empty string."""
        return exceeded(self.counters)

    def remove(self) -> None:
        """Kill all remaining processes and remove the group."""
        for directory in self.directories:
            _remove(directory)


def exceeded(counters: Mapping[str, Path]) -> str:
    """The setting whose limit the kernel counts as exceeded, or an empty string."""
    for setting, path in counters.items():
        if _counted(path) or (setting == "processes" and _reached(path.parent)):
            return setting
    return ""


def _counted(path: Path) -> int:
    """How often a limit was exceeded."""
    try:
        words = path.read_text().split()
    except OSError:
        return 0
    counts = dict(zip(words[::2], words[1::2], strict=False))
    return int(counts.get("oom_kill", counts.get("max", words[0] if len(words) == 1 else 0)))


def _reached(group: Path) -> bool:
    """True if there were as many processes as the group allows.

    Before Linux 6.11 a failed fork is counted only in the group of the process that forked, which can be one that
    nspawn made below ours. The peak includes those; it never exceeds the limit.
    """
    try:
        return int((group / "pids.peak").read_text()) >= int((group / "pids.max").read_text())
    except (OSError, ValueError):  # An older kernel has no peak, and a group without a limit says "max".
        return False


def space_exceeded(directory: Path) -> str:
    """The setting, ``bytes`` or ``inodes``, of which the file system of ``directory`` has nothing left; or empty."""
    found = os.statvfs(directory)
    if found.f_bavail * found.f_frsize < _PIECE:
        return "bytes"
    return "inodes" if found.f_favail < _FILES else ""


def counters_of(process: int | str = "self") -> dict[str, Path]:
    """Files in which the kernel counts how often the group of a process exceeded its limits; empty if it has ended.

    The group of a scope is removed with its last process, so only a process inside can read the last counts.
    """
    try:
        version_2 = _counters_2(_ROOT / _group("", process).lstrip("/"))
        return version_2 if version_2["memory"].exists() else _counters_1(version_1_groups(process))
    except OSError:
        return {}


def _counters_2(group: Path) -> dict[str, Path]:
    return {"memory": group / "memory.events", "processes": group / "pids.events"}


def _counters_1(groups: Mapping[str, Path]) -> dict[str, Path]:
    files = {"memory": ("memory", "memory.oom_control"), "processes": ("pids", "pids.events")}
    return {setting: groups[name] / file for setting, (name, file) in files.items() if name in groups}


def create(name: str, limits: Limits) -> Group:
    """Create the group ``name``. Raises DebateError if the host cannot limit processes."""
    return _KINDS[kind()](name, limits)


def kind() -> str:
    """The way to limit processes on this host, a key of `_KINDS`. Raises DebateError if there is none."""
    if Path("/run/systemd/system").is_dir():
        return "a systemd scope"
    if (_ROOT / "cgroup.controllers").exists():
        return "cgroup v2"
    if (_ROOT / "memory").is_dir() and (_ROOT / "pids").is_dir():
        return "cgroup v1"
    raise DebateError(
        "this host has no control groups, so a step's memory and processes cannot be limited",
        "mount cgroup2 on /sys/fs/cgroup, or run on a host with systemd",
    )


def clean_up(name: str) -> None:
    """Remove the group ``name`` of a killed builder, if it exists."""
    # The killed builder may have run in a different group than this one.
    for directory in _ROOT.rglob(f"debate-{glob.escape(name)}"):
        _remove(directory)


def _scope(name: str, limits: Limits) -> Group:
    flags = ["systemd-run", "--scope", "--quiet", "--collect", f"--unit=debate-{name}"]
    # nspawn creates groups of its own below this one. Also, without Delegate= systemd stops the whole scope when the
    # kernel kills one of its processes for lack of memory, and no process is left to report that.
    flags += ["-p", "Delegate=yes"]
    flags += ["-p", f"MemoryMax={limits.memory}", "-p", "MemorySwapMax=0"]
    flags += ["-p", f"TasksMax={limits.processes}"]
    flags += ["-p", f"CPUQuota={limits.processors * 100}%", "--"]
    return Group(directories=(), prefix=tuple(flags))


def _group(controller: str, process: int | str = "self") -> str:
    """The group of a process in the hierarchy of ``controller`` (or ``name=systemd``; empty for v2)."""
    for line in lines_of(Path(f"/proc/{process}/cgroup").read_text()):
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    return "/"


def _version_2_parent() -> Path:
    return _ROOT / "debate"


def _version_2(name: str, limits: Limits) -> Group:
    parent = _version_2_parent()
    directory = parent / f"debate-{name}"
    wanted = "+memory +pids +cpu"
    try:
        (_ROOT / "cgroup.subtree_control").write_text(wanted)
        parent.mkdir(exist_ok=True)
        (parent / "cgroup.subtree_control").write_text(wanted)
        directory.mkdir()
        (directory / "memory.max").write_text(str(limits.memory))
        (directory / "pids.max").write_text(str(limits.processes))
        (directory / "cpu.max").write_text(f"{limits.processors * _PERIOD} {_PERIOD}")
    except OSError as error:
        raise _refused(error) from None
    return Group((directory,), counters=_counters_2(directory))


_VERSION_1 = {"memory": "memory", "pids": "pids", "cpu": "cpu", "systemd": "name=systemd", "unified": ""}
"""Hierarchy -> its name in /proc/PID/cgroup."""
_WITHOUT_LIMITS = ("systemd", "unified")
"""Hierarchies that limit nothing. nspawn creates groups for a container there, and root inside can add more, so all are
removed together with the group around them."""


def version_1_groups(process: int | str = "self") -> dict[str, Path]:
    """Hierarchy -> the directory of the control group of version 1 that a process is in. Source: cgroups(7)."""
    return {
        hierarchy: _ROOT / hierarchy / _group(name, process).lstrip("/")
        for hierarchy, name in _VERSION_1.items()
        if (_ROOT / hierarchy).is_dir()
    }


def _version_1(name: str, limits: Limits) -> Group:
    parents = version_1_groups()
    groups = {controller: parent / f"debate-{name}" for controller, parent in parents.items()}
    try:
        for hierarchy, directory in list(groups.items()):
            try:
                directory.mkdir()
            except OSError:
                if hierarchy not in _WITHOUT_LIMITS:
                    raise
                del groups[hierarchy]
        (groups["memory"] / "memory.limit_in_bytes").write_text(str(limits.memory))
        (groups["pids"] / "pids.max").write_text(str(limits.processes))
        if "cpu" in groups:
            (groups["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (groups["cpu"] / "cpu.cfs_quota_us").write_text(str(limits.processors * _PERIOD))
    except OSError as error:
        raise _refused(error) from None
    return Group(tuple(groups.values()), counters=_counters_1(groups))


_KINDS = {"a systemd scope": _scope, "cgroup v2": _version_2, "cgroup v1": _version_1}


def _refused(error: OSError) -> DebateError:
    return DebateError(
        f"{error.strerror}: this host does not allow debate to limit a step's memory and processes",
        "run as root, and not in a container that has no control groups of its own",
        place=str(error.filename),
    )


def _remove(directory: Path) -> None:
    """Kill all processes of a group, then remove it and all groups below it."""
    if not directory.is_dir():
        return
    deadline = time.monotonic() + 10
    while True:
        groups = [Path(path) for path, _, _ in os.walk(directory, topdown=False)]
        for group in groups:
            for process in _members(group):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        try:
            for group in groups:
                group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)


def _members(group: Path) -> list[int]:
    try:
        return [int(word) for word in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []
