"""Times, processor times, and the lines that are printed of them."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What something took, in seconds."""

    wall: float
    processor: float
    """Of this process and of all that it waited for. On a machine that does other things, too, this says more."""


def timed(action: Callable[[], object], runs: int = 1, before: Callable[[], object] = lambda: None) -> Cost:
    """The medians of ``runs`` times, each after ``before``."""
    found = []
    for _ in range(runs):
        before()
        used, started = _used(), time.monotonic()
        action()
        found.append(Cost(time.monotonic() - started, _used() - used))
    return Cost(*map(statistics.median, zip(*found, strict=True)))


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def run(*argv: str, directory: Path | None = None) -> None:
    done = subprocess.run(
        argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        sys.exit(f"{shlex.join(argv)}: exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def head(ours: str = "ours") -> None:
    """The line above the rows."""
    line = f"{'':<42} {ours:>8} {'cpu':>7}  {'against':<26} {'':>8} {'cpu':>7}  ratio  of cpu"
    _print(line)


def row(name: str, ours: Cost, what: str, other: Cost, most: float | None = None) -> None:
    target = f"  (at most {most})" if most else ""
    ratios = f"{ours.wall / other.wall:6.2f}  {ours.processor / max(other.processor, 0.01):6.2f}"
    _print(
        f"{name:<42} {ours.wall:8.2f} {ours.processor:7.2f}  {what:<26} "
        f"{other.wall:8.2f} {other.processor:7.2f} {ratios}{target}"
    )


def say(name: str, value: float, unit: str, most: str = "") -> None:
    _print(f"{name:<42} {value:8.2f} {unit:<8}{f' (at most {most})' if most else ''}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()
