"""The files that the hooks of mkinitcpio-archiso and of debate (sandbox/layers/) look for on an ISO.

Source: https://gitlab.archlinux.org/mkinitcpio/mkinitcpio-archiso, docs/README.bootparams.
"""

from __future__ import annotations

from collections.abc import Mapping

from debate.live.interface import Live, LiveParts, Network
from debate.live.medium import volume_uuid
from debate.machines import machine
from debate.model import Artifact
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("archisobasedir", "archisosearchuuid")
ENTRIES: Mapping[str, tuple[str, ...]] = {"toram": ("copytoram=y",), "verify": ("checksum=y",), "persistence": ()}
ENCRYPTED = False
REFUSED: Mapping[str, tuple[str, str]] = {}


def persistence(label: str, encrypted: bool) -> tuple[str, ...]:  # noqa: ARG001 - see ENCRYPTED
    return (f"cow_label={label}",)


NETWORK = Network(
    arguments=("archisobasedir=arch", "archiso_http_srv={base}", "ip=dhcp"),
    fetch=(),
    needs={"archiso_pxe_http": "the hook archiso_pxe_http", "curl": "curl", "ipconfig": "ipconfig"},
)


def live(parts: LiveParts) -> Live:
    """The lowest layer is archiso's image, found by the volume's UUID or a file named so. Debate's hook adds others."""
    (_, lowest), *above = parts.layers
    images = {"airootfs.sfs": lowest, **{f"{name}.sfs": image for name, image in above}}
    uuid = volume_uuid(parts.epoch)
    arch = machine(parts.architecture).arch
    kernel, initrd = (f"arch/boot/{arch}/{file}" for file in ("vmlinuz-linux", "initramfs-linux.img"))
    directory = f"arch/{arch}"
    tree: dict[str, Artifact | bytes] = {
        kernel: parts.kernel,
        initrd: parts.initrd,
        **{f"{directory}/{name}": image for name, image in images.items()},
        f"{directory}/layers": as_lines(list(images)[1:]),
        f"{directory}/airootfs.sha512": as_lines(f"{parts.sha512(image)}  {name}" for name, image in images.items()),
        f"boot/{uuid}.uuid": b"",
    }
    arguments = ("archisobasedir=arch", f"archisosearchuuid={uuid}")
    loopback = (
        "search --no-floppy --set=iso_device --file $iso_path",
        "probe --set=iso_uuid --fs-uuid $iso_device",
        'set iso_arguments="img_dev=/dev/disk/by-uuid/$iso_uuid img_loop=$iso_path"',
    )
    return Live(tree, f"/{kernel}", (f"/{initrd}",), arguments, loopback)
