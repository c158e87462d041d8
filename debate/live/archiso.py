"""The files that the hooks of mkinitcpio-archiso and of debate (sandbox/layers/) look for on an ISO.

Source: https://gitlab.archlinux.org/mkinitcpio/mkinitcpio-archiso, docs/README.bootparams.
"""

from __future__ import annotations

import time

from debate.live.interface import Live, LiveParts
from debate.machines import machine
from debate.model import Artifact
from debate.sandbox.image.lines import as_lines

FINDERS: tuple[str, ...] = ("archisobasedir", "archisosearchuuid")


def live(parts: LiveParts) -> Live:
    """The lowest layer is archiso's image, found by a file named after the epoch. Debate's hook adds the others."""
    (_, lowest), *above = parts.layers
    images = {"airootfs.sfs": lowest, **{f"{name}.sfs": image for name, image in above}}
    uuid = time.strftime("%Y-%m-%d-%H-%M-%S-00", time.gmtime(parts.epoch))
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
    return Live(tree, f"/{kernel}", f"/{initrd}", arguments)
