"""What dracut's dmsquash-live module looks for on an ISO, whichever distribution made the initramfs.

Source: dracut.cmdline(7), "Booting live images".
"""

from __future__ import annotations

from debate.distributions.interface import Live, LiveParts


def live(parts: LiveParts) -> Live:
    """One squashfs image below LiveOS/, found by the volume's label, under an overlay in memory."""
    ((_, image),) = parts.layers
    return Live(
        {"boot/vmlinuz": parts.kernel, "boot/initrd.img": parts.initrd, "LiveOS/squashfs.img": image},
        "/boot/vmlinuz",
        "/boot/initrd.img",
        (f"root=live:CDLABEL={parts.label}", "rd.live.image", "rd.live.overlay.overlayfs=1"),
    )
