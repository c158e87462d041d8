"""A command on a terminal of its own, as people have it."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def answered(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    until: str,
    answer: bytes,
    seconds: int,
) -> tuple[str, int]:
    """What a command shows, to which ``answer`` is typed once it has shown ``until``, and its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execve(command[0], command, {**environment, "TERM": "xterm"})
    said, sent, deadline = "", False, time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            said += os.read(terminal, 1 << 16).decode(errors="replace")
        except OSError:
            break
        if not sent and until in said:
            os.write(terminal, answer)
            sent = True
    os.close(terminal)
    return said, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
