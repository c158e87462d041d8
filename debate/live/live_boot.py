"""The files that live-boot looks for on an ISO.

Source: live-boot(7).
"""

from __future__ import annotations

from debate.live.interface import Live, LiveParts
from debate.model import Artifact
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("boot", "nonetworking")


def live(parts: LiveParts) -> Live:
    """live-boot stacks the images in live/filesystem.module, the first one at the bottom."""
    tree: dict[str, Artifact | bytes] = {
        "live/vmlinuz": parts.kernel,
        "live/initrd.img": parts.initrd,
        **{f"live/{name}.squashfs": layer for name, layer in parts.layers},
        "live/filesystem.module": as_lines(f"{name}.squashfs" for name, _ in parts.layers),
    }
    return Live(tree, "/live/vmlinuz", "/live/initrd.img", ("boot=live", "nonetworking"))
