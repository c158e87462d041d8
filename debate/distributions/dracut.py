"""What dracut's dmsquash-live module looks for on an ISO, whichever distribution made the initramfs.

Source: dracut.cmdline(7), "Booting live images".
"""

from __future__ import annotations

from debate.distributions.interface import Live
from debate.model import Artifact


def live(kernel: Artifact, initrd: Artifact, image: Artifact, label: str) -> Live:
    """One squashfs image below LiveOS/, found by the volume's label, under an overlay in memory."""
    return Live(
        {"boot/vmlinuz": kernel, "boot/initrd.img": initrd, "LiveOS/squashfs.img": image},
        "/boot/vmlinuz",
        "/boot/initrd.img",
        (f"root=live:CDLABEL={label}", "rd.live.image", "rd.live.overlay.overlayfs=1"),
    )
