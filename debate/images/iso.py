"""The ISO: layers as they are, kernel, initramfs and boot images, in one hybrid image.

Sources: xorriso-as-mkisofs(1), ECMA-119, El Torito 1.0, UEFI specification 2.10, 5.3 (GPT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debate.live.interface import Live
from debate.model import Artifact, Command, Step


def step(
    iso: Mapping[str, Any],
    live: Live,
    menu: str,
    boot: Mapping[str, Artifact],
    epoch: int,
    base: Artifact,
) -> Step:
    """Output: iso. ``boot`` has the outputs of the boot step."""
    parameters = {"iso/boot/grub/grub.cfg": menu.encode()}
    inputs = {}
    for path, content in live.tree.items():
        if isinstance(content, bytes):
            parameters[f"iso/{path}"] = content
        else:
            inputs[f"iso/{path}"] = content
    options = ["-iso-level", "3", "-rational-rock", "-joliet", "-volid", iso["label"]]
    options += ["-publisher", iso["publisher"], "-appid", iso["application"], "-preparer", "debate"]
    options += ["-partition_offset", "16"]
    if "bios" in boot:
        inputs["iso/boot/grub/bios.img"] = boot["bios"]
        inputs["mbr"] = boot["mbr"]
        options += ["-b", "boot/grub/bios.img", "-c", "boot/grub/boot.cat", "-no-emul-boot"]
        options += ["-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info"]
        options += ["--grub2-mbr", "/run/in/mbr"]
    if "efi" in boot:
        inputs["efi"] = boot["efi"]
        options += ["-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "/run/in/efi"]
        options += ["-appended_part_as_gpt", *(["-eltorito-alt-boot"] if "bios" in boot else [])]
        options += ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
    parameters["options"] = "".join(f"{option}\0" for option in options).encode()
    return Step(
        name="iso",
        commands=(Command("iso.sh", stdout="iso"),),
        outputs=("iso",),
        epoch=epoch,
        parameters=parameters,
        inputs=inputs,
        base=base,
    )
