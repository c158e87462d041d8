"""The files that the modules dmsquash-live of dracut and live-layers of debate (sandbox/layers/) look for on an ISO.

Source: dracut.cmdline(7), "Booting live images".
"""

from __future__ import annotations

from collections.abc import Mapping

from debate.live.interface import Live, LiveParts, Network
from debate.live.medium import volume_uuid
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("root", "rd.live.image", "rd.live.overlay.overlayfs")
ENTRIES: Mapping[str, tuple[str, ...]] = {"toram": ("rd.live.ram=1",), "verify": ("debate.verify",), "persistence": ()}
ENCRYPTED = False
REFUSED: Mapping[str, tuple[str, str]] = {}


def persistence(label: str, encrypted: bool) -> tuple[str, ...]:  # noqa: ARG001 - see ENCRYPTED
    return (f"debate.persistence={label}",)


NETWORK = Network(
    arguments=(
        "root=live:{base}LiveOS/squashfs.img", "rd.live.image", "rd.live.overlay.overlayfs=1",
        "rd.neednet=1", "ip=dhcp",
    ),
    fetch=(),
    needs={"livenetroot": "the module livenet of dracut", "curl": "curl"},
)  # fmt: skip


def live(parts: LiveParts) -> Live:
    """The lowest layer is dmsquash-live's image, found by the volume's UUID. Debate's module stacks the others."""
    (_, lowest), *above = parts.layers
    uuid = volume_uuid(parts.epoch)
    return Live(
        {
            "boot/vmlinuz": parts.kernel,
            "boot/initrd.img": parts.initrd,
            "LiveOS/squashfs.img": lowest,
            **{f"LiveOS/{name}.squashfs": image for name, image in above},
            "LiveOS/layers": as_lines(f"{name}.squashfs" for name, _ in above),
            f"boot/{uuid}.uuid": b"",
        },
        "/boot/vmlinuz",
        ("/boot/initrd.img",),
        (f"root=live:UUID={uuid}", "rd.live.image", "rd.live.overlay.overlayfs=1"),
        loopback=("set iso_arguments=iso-scan/filename=$iso_path",),
    )
