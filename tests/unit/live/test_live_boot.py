"""Where live-boot looks for a live system."""

from __future__ import annotations

from debate import live
from debate.live import cpio
from debate.live.interface import LiveParts
from debate.model import Artifact

ONE, TWO = Artifact(f"sha256:{'1' * 64}", 5), Artifact(f"sha256:{'2' * 64}", 6)


def test_where_live_boot_looks() -> None:
    """See live-boot(7): filesystem.module stacks its images, the first lowest."""
    layers = [("0-packages", ONE), ("1-overlay", TWO)]
    found = live.get("debian", "initramfs-tools").live(LiveParts(ONE, TWO, layers, lambda _: "", "id", 0, "amd64"))
    assert found.tree == {
        "live/vmlinuz": ONE,
        "live/initrd.img": TWO,
        "live/medium.img": cpio.archive("conf", "uuid.conf", b"id\n"),
        "live/0-packages.squashfs": ONE,
        "live/1-overlay.squashfs": TWO,
        "live/filesystem.module": b"0-packages.squashfs\n1-overlay.squashfs\n",
    }
    assert found.kernel.lstrip("/") in found.tree
    assert [path.lstrip("/") in found.tree for path in found.initrds] == [True, True]
    assert "boot=live" in found.arguments
    assert [argument.partition("=")[0] for argument in found.arguments] == list(
        live.get("debian", "initramfs-tools").FINDERS
    )
    assert found.loopback == ("set iso_arguments=findiso=$iso_path",)
