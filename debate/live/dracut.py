"""The files that the modules dmsquash-live of dracut and live-layers of debate (sandbox/layers/) look for on an ISO.

Source: dracut.cmdline(7), "Booting live images".
"""

from __future__ import annotations

from debate.live.interface import Live, LiveParts
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("root", "rd.live.image", "rd.live.overlay.overlayfs")


def live(parts: LiveParts) -> Live:
    """The lowest layer is dmsquash-live's image, found by the volume label. Debate's module stacks the others on it."""
    (_, lowest), *above = parts.layers
    return Live(
        {
            "boot/vmlinuz": parts.kernel,
            "boot/initrd.img": parts.initrd,
            "LiveOS/squashfs.img": lowest,
            **{f"LiveOS/{name}.squashfs": image for name, image in above},
            "LiveOS/layers": as_lines(f"{name}.squashfs" for name, _ in above),
        },
        "/boot/vmlinuz",
        "/boot/initrd.img",
        (f"root=live:CDLABEL={parts.label}", "rd.live.image", "rd.live.overlay.overlayfs=1"),
    )
