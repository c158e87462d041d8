"""Start a session, watch it, and clean up after it."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from debate import PACKAGE
from debate.composition import Composition
from debate.errors import Complaint, StepError
from debate.host import ours
from debate.host.log import Log
from debate.host.run import own
from debate.model import Activity, Artifact
from debate.sandbox import limits as control_groups
from debate.sandbox.session import Session
from debate.sandbox.thrashing import INTERVAL, Thrashing
from debate.settings import Limits, variable_for
from debate.text import amounts, strict_json
from debate.text.lines import lines_of
from debate.text.paths import shown
from debate.text.printable import readable, shortened


def run(
    name: str,
    session: Session,
    limits: Limits,
    log: Path,
    *,
    step: str,
    warn: Callable[[str], None],
    activity: Activity | None = None,
) -> tuple[dict[str, Artifact], list[Composition]]:
    """Run ``session``, with its output in ``log`` and its progress in ``activity``.

    Returns its outputs, which are in out/, and how those that consist of known files are composed.
    Raises StepError if the step fails, exceeds a limit or takes too long.
    """
    ours.make_directory(log.parent)
    group = control_groups.create(name, limits)
    try:
        session = replace(session, cgroup_procs=group.procs, in_scope=bool(group.prefix), builder=os.getpid())
        process = subprocess.Popen(
            [*group.prefix, *own("debate.sandbox.session")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=session.shell,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _package_parent()},
        )
        _running[name] = (process, group, Path(session.directory))
        activity = activity or Activity(step)
        activity.written = lambda: _written(process.pid, session.directory)
        try:
            said = _watch(process, session, limits, log, step=step, warn=warn, activity=activity)
        finally:
            activity.written, activity.line = (lambda: 0), ""
            process.kill()
            process.wait()
            _running.pop(name, None)
        exceeded = group.exceeded() if process.returncode else ""
        lines = list(_lines(said))
        said_exceeded = [line["exceeded"] for line in lines if line.get("exceeded")]
        # The last one, for a scratch file system in memory can be full since the limit of memory was exceeded.
        exceeded = exceeded or (said_exceeded[-1] if said_exceeded else "")
    finally:
        group.remove()
    if process.returncode:
        complaints = [Complaint(**line["problem"]) for line in lines if "problem" in line]
        raise _failed(step, log, limits, exceeded, process.returncode, complaints)
    made = [line["output"] for line in lines if "output" in line]
    compositions = [Composition.from_json(line["composition"].encode()) for line in lines if "composition" in line]
    return {fields["name"]: Artifact(fields["digest"], fields["size"]) for fields in made}, compositions


def _lines(said: str) -> Iterator[dict[str, Any]]:
    """What a session said, without a line that it could not finish before it was killed."""
    for line in lines_of(said):
        with contextlib.suppress(ValueError):
            yield strict_json.decode(line)


_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_running: dict[str, tuple[subprocess.Popen[bytes], control_groups.Group, Path]] = {}
"""Sandboxes of this process that are running."""


@atexit.register
def _stop_all() -> None:
    """Stop all sandboxes and clean up when this process ends."""
    for process, group, directory in list(_running.values()):
        process.kill()
        process.wait()
        group.remove()
        shutil.rmtree(directory, ignore_errors=True)


def _package_parent() -> str:
    return str(PACKAGE.resolve().parent)


def _watch(
    process: subprocess.Popen[bytes],
    session: Session,
    limits: Limits,
    log: Path,
    *,
    step: str,
    warn: Callable[[str], None],
    activity: Activity,
) -> str:
    """Send the session its input, copy its log, and enforce the time limit. Returns its standard output."""
    said: list[bytes] = []
    readers = [
        threading.Thread(target=_copy_log, args=(process.stderr, log, activity, warn), daemon=True),
        threading.Thread(target=_collect, args=(process.stdout, said), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        if process.stdin:
            with process.stdin as stdin:
                stdin.write(session.to_json().encode())
    except BrokenPipeError:
        pass  # It died immediately; its log says why.
    started = time.monotonic()
    thrashing = Thrashing(process.pid)
    ending = os.pidfd_open(process.pid)
    fact, exceeded = f"stopped after {limits.stop_after} s (DEBATE_STOP_AFTER)", ""
    try:
        ended = _ended(ending, started + min(limits.warn_after, limits.stop_after), thrashing)
        if not ended and limits.warn_after < limits.stop_after:
            warn(
                f"{step} has run for {limits.warn_after} s and is stopped at {limits.stop_after} s "
                f"(DEBATE_STOP_AFTER); its log is {log}"
            )
            ended = _ended(ending, started + limits.stop_after, thrashing)
    except TimeoutError:
        ended, exceeded = False, "memory"
        fact = _cause(limits, exceeded, 0)
    finally:
        os.close(ending)
    if not ended:
        raise StepError(f"{step}: {fact}", details=_details(log), log=str(log), exceeded=exceeded)
    for reader in readers:
        reader.join(10)
    return b"".join(said).decode()


def _ended(process: int, deadline: float, thrashing: Thrashing) -> bool:
    """Wait until a session ends (True) or the ``deadline`` passes (False). Raises TimeoutError if it thrashes.

    ``process``: a descriptor of it; see pidfd_open(2). `subprocess` would look only every 50 ms.
    """
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    while (now := time.monotonic()) < deadline:
        if waiting.poll(min(INTERVAL, deadline - now) * 1000):
            return True
        if thrashing.found():
            raise TimeoutError
    return False


def _collect(source: IO[bytes], said: list[bytes]) -> None:
    with source:
        said.append(source.read())


def _written(process: int, directory: str) -> int:
    """Bytes in the outputs of a running session, which are in its own mount namespace."""
    try:
        child = Path(f"/proc/{process}/task/{process}/children").read_text().split()[0]
    except (OSError, IndexError):
        return 0  # Not started yet, or ended.
    # An output that is a command's standard output is in the second directory from the start.
    return max(_bytes(f"/proc/{child}/root{directory}/scratch/out"), _bytes(f"{directory}/out"))


def _bytes(directory: str) -> int:
    try:
        with os.scandir(directory) as entries:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    except OSError:
        return 0


def _copy_log(source: IO[bytes], log: Path, activity: Activity, warn: Callable[[str], None]) -> None:
    with source, Log(log) as target:
        while chunk := os.read(source.fileno(), 1 << 16):
            activity.receive(chunk)
            target.write(chunk)
    if target.lost:
        warn(f"{shown(log)}: {target.lost}; the log of this step is incomplete")


_COUNTED = {"memory": "of memory", "processes": "processes", "bytes": "of files", "inodes": "files"}
"""Limit -> what it counts."""


def _failed(
    step: str, log: Path, limits: Limits, exceeded: str, status: int, complaints: Sequence[Complaint]
) -> StepError:
    """The error of a failed step: the cause that the host knows, then the complaints of its scripts."""
    fact, remedy = _cause(limits, exceeded, status), ""
    general = [complaint for complaint in complaints if not complaint.field]
    of_profile = [complaint for complaint in complaints if complaint.field]
    if general and not fact and not general[0].value:
        first = general.pop(0)
        fact, remedy = first.fact, first.remedy
    if not fact and not complaints:
        fact = "failed"
    error = StepError(
        f"{step}: {fact}" if fact else "",
        remedy,
        complaints=[*general, *of_profile],
        details=_details(log),
        log=str(log),
        exceeded=exceeded,
    )
    # Only after `_details` has read the log, or they would be shown twice.
    with contextlib.suppress(OSError), open(os.open(log, _APPEND), "a", encoding="utf-8") as file:
        file.writelines(readable(f"debate: {problem}\n") for problem in error.problems)
    return error


def _cause(limits: Limits, exceeded: str, status: int) -> str:
    """The cause of a failure if the host knows it, or an empty string. What the log says is no such knowledge."""
    if exceeded:
        limit = getattr(limits, exceeded)
        shown_ = amounts.exact(limit) if exceeded in ("memory", "bytes") else f"{limit:,}"
        return f"exceeded its limit of {shown_} {_COUNTED[exceeded]} ({variable_for(exceeded)})"
    return f"was killed by signal {-status}" if status < 0 else ""


def _details(log: Path) -> str:
    return "\n".join(filter(None, (tail(log), f"the whole log: {shown(log)}")))


def tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log, each indented."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    said = [shortened(line.rstrip()) for line in lines_of(text) if line.strip()]
    kept, before = said[-lines:], said[:-lines]
    if before and not any(map(_ERROR.search, kept)):
        # The cause may be further up.
        wrong = [line for line in before if _ERROR.search(line)][-3:]
        kept = [*wrong, "…", *kept] if wrong else kept
    return "\n".join(f"{'  > ' if _ERROR.search(line) else '    '}{line}" for line in kept)


_ERROR = re.compile(
    r"\b(error|fatal|failed|failure|cannot|can't|could not|couldn't|unable|denied|refused|not found)\b"
    r"|\b(no such|no space|invalid)\b"
    r"|^(E|debate): |==> ERROR",
    re.IGNORECASE,
)
"""Matches most lines that report an error."""
