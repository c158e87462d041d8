"""Run a command on the host."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from debate import install
from debate.errors import DebateError, Place, Problem
from debate.host.libc import libc  # Now: a child that has become the user nobody may be unable to read Python's files.

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Make the kernel kill this process when the thread that started it ends; see prctl(2)."""
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def own(module: str) -> list[str]:
    """The command that runs a module of debate as a process of its own, which needs the standard library alone.

    It runs nothing that was installed for Python to start with, and looks for no module where it was started.
    """
    return [sys.executable, "-S", "-P", "-m", module]


_KEPT = ("PATH", "HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy")


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    remedy: str = "",
) -> str:
    """Run ``argv`` without a terminal and in a minimal environment. Returns its standard output.

    Raises DebateError whose place is the command, quoted for a shell, and whose details are the end of its output.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=directory,
            env={**kept, "LC_ALL": "C.UTF-8", **(environment or {})},
        )
    except FileNotFoundError:
        raise DebateError("not installed", remedy or install(argv[0]), place=argv[0]) from None
    if done.returncode:
        problem = Problem(Place(shlex.join(argv)), f"exit status {done.returncode}", remedy)
        said = (done.stderr or done.stdout).strip().split("\n")[-5:]
        raise DebateError.of([problem], details="\n".join(said))
    return done.stdout
