"""Test if this host can stack id-mapped squashfs images, with an empty one.

    python -m debate.sandbox.probe DIRECTORY UID_BASE

This is a separate process, so that its mounts in DIRECTORY end with it. If a call fails, it prints the error and exits
with 1.
"""

from __future__ import annotations

import base64
import sys
import zlib
from pathlib import Path

from debate.sandbox import mounts
from debate.sandbox.image import overlayfs

_EMPTY = "eNrLKC4sZmSAASYwycYgyODAxMjAwoAAfVC6DUr/h4IEKL8BjYbJyzFobNX/q6CwFmi4EwvXB0nm///3z5lixHr+65+P/a4MLA3IugCGOSKk"
"""mksquashfs of an empty directory (-comp zstd -nopad -no-exports -no-xattrs), deflated."""
_BLOCK = 4096
"""Bytes; a loop device is read in whole blocks."""


def main(directory: Path, uid_base: int) -> None:
    """Raises OSError for the call that failed."""
    mounts.private_mounts()
    mounts.tmpfs(directory, size=1 << 20, inodes=100)
    image, lower, upper, work, root = (directory / name for name in ("image", "lower", "upper", "work", "root"))
    image.write_bytes(zlib.decompress(base64.b64decode(_EMPTY)).ljust(_BLOCK, b"\0"))
    for path in (lower, upper, work, root):
        path.mkdir()
    mounts.squashfs(image, lower)
    mounts.shift(uid_base, [lower])
    options = overlayfs.options([Path(lower.name)], Path(upper.name), Path(work.name))
    mounts.overlay(options, Path(root.name), directory=directory)
    (root / "file").touch()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except OSError as error:
        sys.exit(str(error))
