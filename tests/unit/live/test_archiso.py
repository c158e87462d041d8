"""Where archiso's hook looks for a live system."""

from __future__ import annotations

import pytest

from debate import live
from debate.live.interface import LiveParts
from debate.machines import AMD64
from debate.model import Artifact

ONE, TWO = Artifact(f"sha256:{'1' * 64}", 5), Artifact(f"sha256:{'2' * 64}", 6)
LAYERS = [("0-packages", ONE), ("1-packages", TWO), ("2-overlay", ONE)]


def digits(image: Artifact) -> str:
    return "1" if image == ONE else "2"


@pytest.mark.parametrize("name", sorted(AMD64.names))
def test_where_the_hook_looks(name: str) -> None:
    """See README.bootparams of mkinitcpio-archiso: below Arch's name of the architecture."""
    found = live.get("arch", "mkinitcpio").live(LiveParts(ONE, TWO, LAYERS, digits, "id", 1_000_000_000, name))
    assert found.tree == {
        "arch/boot/x86_64/vmlinuz-linux": ONE,
        "arch/boot/x86_64/initramfs-linux.img": TWO,
        "arch/x86_64/airootfs.sfs": ONE,
        "arch/x86_64/1-packages.sfs": TWO,
        "arch/x86_64/2-overlay.sfs": ONE,
        "arch/x86_64/layers": b"1-packages.sfs\n2-overlay.sfs\n",
        "arch/x86_64/airootfs.sha512": b"1  airootfs.sfs\n2  1-packages.sfs\n1  2-overlay.sfs\n",
        "boot/2001-09-09-01-46-40-00.uuid": b"",
    }
    assert [argument.partition("=")[0] for argument in found.arguments] == list(live.get("arch", "mkinitcpio").FINDERS)
    assert found.arguments == ("archisobasedir=arch", "archisosearchuuid=2001-09-09-01-46-40-00")
    assert found.kernel.lstrip("/") in found.tree
    assert [path.lstrip("/") in found.tree for path in found.initrds] == [True]
    assert found.loopback[-1] == 'set iso_arguments="img_dev=/dev/disk/by-uuid/$iso_uuid img_loop=$iso_path"'
