"""The empty directories of a sandbox; some of them become the root directory of an image."""

from __future__ import annotations

import os
from pathlib import Path

_HOST = ("tools", "lower", "root", "work")
"""Mount points, and the work directory of overlayfs: owned by the host's root."""
_INSIDE = ("upper", "files", "out")
"""Directories that commands write to: the system's changes, /run/work and /run/out. Owned by the sandbox's root."""


def lower(scratch: Path, layers: int) -> list[Path]:
    """The mount points of the system's layers, the lowest first."""
    return [scratch / "lower" / str(number) for number in range(layers)]


def make(scratch: Path, uid_base: int) -> None:
    """Create the directories in ``scratch``. The modes are exact if the umask is `environment.UMASK`."""
    for name in (*_HOST, *_INSIDE):
        (scratch / name).mkdir(mode=0o755)
    for name in _INSIDE:
        os.chown(scratch / name, uid_base, uid_base)
