"""One way to run a command on the host."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from debate.errors import DebateError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
"""Loaded here: a child that is nobody by then may not read where Python lies."""


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends; see prctl(2)."""
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


_KEPT = ("PATH", "HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy")


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    remedy: str = "",
) -> str:
    """Run ``argv`` without a terminal and in a small environment. Returns its standard output.

    Raises DebateError with the command as one can paste it and the end of what it said.
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
        raise DebateError(f"{argv[0]}: not installed; {remedy or 'run ./setup'}") from None
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise DebateError(
            f"{shlex.join(argv)}: exit status {done.returncode}: {said}" + (f"; {remedy}" if remedy else "")
        )
    return done.stdout
