"""Where dracut's module looks for a live system, whatever the distribution."""

from __future__ import annotations

import pytest

from debate import live
from debate.live.interface import LiveParts
from debate.model import Artifact

ONE, TWO = Artifact(f"sha256:{'1' * 64}", 5), Artifact(f"sha256:{'2' * 64}", 6)


@pytest.mark.parametrize("distribution", ["arch", "debian"])
def test_where_the_module_looks(distribution: str) -> None:
    layers = [("0-packages", ONE), ("1-packages", TWO), ("2-overlay", ONE)]
    parts = LiveParts(ONE, TWO, layers, lambda _: "", "id", 1_000_000_000, "amd64")
    found = live.get(distribution, "dracut").live(parts)
    assert found.tree == {
        "boot/vmlinuz": ONE,
        "boot/initrd.img": TWO,
        "LiveOS/squashfs.img": ONE,
        "LiveOS/1-packages.squashfs": TWO,
        "LiveOS/2-overlay.squashfs": ONE,
        "LiveOS/layers": b"1-packages.squashfs\n2-overlay.squashfs\n",
        "boot/2001-09-09-01-46-40-00.uuid": b"",
    }
    assert [argument.partition("=")[0] for argument in found.arguments] == list(live.get("debian", "dracut").FINDERS)
    assert found.arguments == ("root=live:UUID=2001-09-09-01-46-40-00", "rd.live.image", "rd.live.overlay.overlayfs=1")
    assert found.loopback == ("set iso_arguments=iso-scan/filename=$iso_path",)
