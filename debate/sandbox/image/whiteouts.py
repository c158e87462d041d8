"""Replace opaque marks in the upper directory of an overlay by whiteouts.

When a directory replaces another, overlayfs marks it with ``trusted.overlay.opaque``. Only the host's root can see that
attribute, so it would be lost when the layer is packed inside the sandbox. A whiteout for each name that the mark hides
is equivalent, and every tool preserves it.

Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

OPAQUE = "trusted.overlay.opaque"


def spell_out(upper: Path, layers: Sequence[Path]) -> None:
    """Replace each opaque mark below ``upper`` by whiteouts for the names that ``layers`` have there."""
    pending = [(str(upper), [str(layer) for layer in layers], False)]
    while pending:
        directory, below, hidden = pending.pop()
        hidden = _take_mark(directory) or hidden
        own = {}
        with os.scandir(directory) as entries:
            for entry in entries:
                own[entry.name] = entry.is_dir(follow_symlinks=False)
        if hidden:
            for name in {name for other in below for name in os.listdir(other)} - own.keys():
                os.mknod(os.path.join(directory, name), stat.S_IFCHR, os.makedev(0, 0))
        for name, is_directory in own.items():
            if is_directory:
                lower = [os.path.join(other, name) for other in below]
                lower = [path for path in lower if _is_directory(path)]
                pending.append((os.path.join(directory, name), lower, hidden))


def _take_mark(directory: str) -> bool:
    try:
        marked = os.getxattr(directory, OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False
    os.removexattr(directory, OPAQUE, follow_symlinks=False)
    return marked


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
