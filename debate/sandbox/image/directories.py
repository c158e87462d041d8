"""The empty directories of a sandbox; some of them become the root directory of an image."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_HOST = ("tools", "lower", "root", "work", "own", "made")
"""Mount points, the work directory of overlayfs, and the directory with what each command has of its own: owned by the
host's root."""
_INSIDE = ("upper", "out")
"""Directories that commands write to: the system's changes and /run/out. Owned by the sandbox's root."""


@dataclass(frozen=True)
class Own:
    """What one command writes to and no other: a link, a pipe or a sentence that it leaves is nobody's input."""

    work: Path
    """The directory /run/work."""
    problems: Path
    """The file /run/problems."""


def lower(scratch: Path, layers: int) -> list[Path]:
    """The mount points of the system's layers, the lowest first."""
    return [scratch / "lower" / str(number) for number in range(layers)]


def own(scratch: Path, number: int) -> Own:
    """The paths for the command with this number, from 0."""
    return Own(scratch / "own" / f"{number}", scratch / "own" / f"{number}.problems")


def make(scratch: Path, uid_base: int) -> None:
    """Create the directories in ``scratch``. The modes are exact if the umask is `environment.UMASK`."""
    for name in (*_HOST, *_INSIDE):
        (scratch / name).mkdir(mode=0o755)
    for name in _INSIDE:
        os.chown(scratch / name, uid_base, uid_base)


def make_own(scratch: Path, number: int, uid_base: int) -> None:
    """Create what the command with this number writes to."""
    made = own(scratch, number)
    made.work.mkdir(mode=0o755)
    made.problems.touch(mode=0o600)
    for path in (made.work, made.problems):
        os.chown(path, uid_base, uid_base)
