"""Mount options that stack the layers of a system. The upper directory becomes the next layer.

Source: Documentation/filesystems/overlayfs.rst of Linux.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def options(layers: Sequence[Path], upper: Path, work: Path) -> str:
    """Mount options for ``layers`` (the lowest first) under ``upper``.

    Without redirects, metacopy and index, ``upper`` has only complete files and plain whiteouts, so its meaning does
    not depend on the kernel.
    """
    lower = ":".join(str(layer) for layer in reversed(layers))
    return f"lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=off,metacopy=off,index=off,xino=off"
