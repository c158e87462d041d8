"""The empty directories of a sandbox, some of which become the root of an image."""

from __future__ import annotations

import os
from pathlib import Path

_HOST = ("base", "lower", "root", "work")
"""Mount points, and what overlayfs keeps for itself: owned by root of the host."""
_INSIDE = ("upper", "files", "out")
"""What commands write: the system's changes, /run/work and /run/out. Owned by root of the sandbox."""


def make(scratch: Path, uid_base: int) -> None:
    """Make them in ``scratch``. The modes are exact under `environment.UMASK`."""
    for name in (*_HOST, *_INSIDE):
        (scratch / name).mkdir(mode=0o755)
    for name in _INSIDE:
        os.chown(scratch / name, uid_base, uid_base)
