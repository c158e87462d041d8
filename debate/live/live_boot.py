"""The files that live-boot looks for on an ISO.

Sources: live-boot(7); matches_uuid in 9990-misc-helpers.sh of live-boot.
"""

from __future__ import annotations

from collections.abc import Mapping

from debate.live import cpio
from debate.live.interface import Live, LiveParts, Network
from debate.model import Artifact
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("boot", "nonetworking")
ENTRIES: Mapping[str, tuple[str, ...]] = {
    "toram": ("toram",),
    "verify": ("verify-checksums",),
    "persistence": ("persistence", "persistence-storage=filesystem"),
}
ENCRYPTED = True
REFUSED: Mapping[str, tuple[str, str]] = {}


def persistence(label: str, encrypted: bool) -> tuple[str, ...]:
    return (f"persistence-label={label}", f"persistence-encryption={'luks' if encrypted else 'none'}")


NETWORK = Network(
    arguments=("boot=live", "nonetworking", "fetch={base}"),
    fetch=("usr/lib/live/boot/9999-fetch",),
    needs={"wget": "wget", "ipconfig": "ipconfig"},
)


def live(parts: LiveParts) -> Live:
    """live-boot stacks the images in live/filesystem.module, the first one at the bottom.

    It would take the first medium with a directory live/. With /conf/uuid.conf in the initramfs, it takes one that has
    the same in a file .disk/live-uuid*. Its archive comes first, since some decompressors read on after the end.
    """
    tree: dict[str, Artifact | bytes] = {
        "live/vmlinuz": parts.kernel,
        "live/initrd.img": parts.initrd,
        "live/medium.img": cpio.archive("conf", "uuid.conf", f"{parts.medium}\n".encode()),
        **{f"live/{name}.squashfs": layer for name, layer in parts.layers},
        "live/filesystem.module": as_lines(f"{name}.squashfs" for name, _ in parts.layers),
    }
    return Live(
        tree,
        "/live/vmlinuz",
        ("/live/medium.img", "/live/initrd.img"),
        ("boot=live", "nonetworking"),
        loopback=("set iso_arguments=findiso=$iso_path",),
    )
