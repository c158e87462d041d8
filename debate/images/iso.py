"""The ISO: layers, kernel, initramfs, boot images and GRUB's menu in one hybrid image.

The boot images find the ISO that they are on by a file that the hash of its config names, on whatever medium.
Sources: xorriso-as-mkisofs(1), ECMA-119, El Torito 1.0, UEFI specification 2.10, 5.3 (GPT), GRUB's manual (search).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from debate import keys, live
from debate.deferred import frozen
from debate.errors import Complaint, DebateError, StepError
from debate.images import menu, theme
from debate.images.menu import Entry
from debate.images.theme import Theme
from debate.live import medium
from debate.machines import machine
from debate.profile import files
from debate.steps import boot as boot_step
from debate.steps import signing
from debate.steps.rule import Rule
from debate.text import pe
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.live.interface import Live
    from debate.model import Artifact, Step
    from debate.steps.choices import Choices
    from debate.steps.work import Work


_GO_ON = "set prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n"
_TABLES = {
    "gpt": ["-appended_part_as_gpt"],
    "mbr": [],
    "hybrid": ["-part_like_isohybrid", "-isohybrid-gpt-basdat"],
}
"""Partition table -> options for it. Without GPT, xorriso writes an MBR with the partitions of the ISO and of UEFI. A
hybrid one has both, and no entry that makes the GPT valid.
"""


@frozen
class Slice:
    """What goes onto the ISO in addition to the outputs of other steps."""

    distribution: str
    architecture: str
    generator: str
    """The initramfs generator, which decides where the layers are looked for."""
    label: str
    partition_table: str
    publisher: str
    application: str
    title: str
    """Title of the menu, and of its entry `default`."""
    timeout: int
    """Seconds until the menu boots its entry; -1 for never."""
    console: tuple[str, ...]
    arguments: tuple[str, ...]
    """Kernel arguments of all entries, after those for the live system and the consoles."""
    entries: tuple[Entry, ...]
    default: str
    """The id of the entry that starts by itself."""
    theme: Theme
    """How the menu looks. A menu that does not wait has none."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        data, boot, label = choices.data, choices.data["boot"], choices.label
        menu.refuse_arguments(choices)
        menu.require_persistence(choices)
        entries = menu.entries(choices)
        serial = [name for name, _ in menu.serial(boot["console"])]
        if len(serial) > 1:
            choices.told.append(f"boot.console: the boot menu is on {serial[0]} and not on {', '.join(serial[1:])}")
        return cls(
            distribution=data["distribution"],
            architecture=data["architecture"],
            generator=data["initrd"]["generator"],
            label=label,
            partition_table=_partition_table(choices),
            publisher=data["image"]["publisher"],
            application="Live system",
            title=boot["title"] or label,
            timeout=boot["timeout"],
            console=tuple(boot["console"]),
            arguments=tuple(boot["arguments"]),
            entries=entries,
            default=menu.default(choices, entries),
            theme=theme.theme(choices),
        )


def _partition_table(choices: Choices) -> str:
    """The one that the profile asks for, or which its firmware needs."""
    boot = choices.data["boot"]
    firmware, wanted = set(boot["firmware"]), boot["partition_table"]
    if not firmware - {"bios"} and wanted in ("gpt", "hybrid"):
        fact = f"boot.partition_table: {wanted} is for UEFI, which is not in boot.firmware"
        choices.problem(("boot", "partition_table"), fact, "write mbr, or leave it out")
    if wanted:
        return str(wanted)
    return "hybrid" if len(firmware) > 1 else "mbr" if "bios" in firmware else "gpt"


def make(work: Work) -> Report:
    """Record: output iso, the kernel that is on it, and the digest of the certificate of own signatures, or nothing."""
    values, config = work.slice(Slice), work.record("hash")
    name, epoch = medium.medium(config["config"]), config["epoch"]
    stacked = [image for _, image in layers(work.record("rootfs"), work.record("overlay"))]
    kernel, boot = _signed(work, work.outputs("initrd")["kernel"], work.outputs("boot"))
    found = live_system(work, values, kernel, name, epoch, lambda image: _sha512(work, image, stacked))
    look = theme.files(values.theme, values.title, values.timeout, partial(_content, work.contents("contents")))
    owner = signing.state(work.settings) if work.slice(boot_step.Slice, "boot").secure == "own" else ""
    made = step(values, found, boot, look, name, epoch, work.epoch(epoch), work.tools)
    return work.finish(made, kernel=vars(kernel), certificate=owner)


def live_system(
    work: Work, values: Slice, kernel: Artifact, name: str, epoch: int, sha512: Callable[[Artifact], str]
) -> Live:
    """The files of the live system with that ``kernel``, for a rule that needs rootfs, overlay and initrd.

    ``name`` is the ISO's (`debate.live.medium`), ``sha512``: see `LiveParts`.
    """
    from debate.live.interface import LiveParts

    initrd, images = work.outputs("initrd"), layers(work.record("rootfs"), work.record("overlay"))
    parts = LiveParts(
        kernel=kernel,
        initrd=initrd["initrd"],
        layers=numbered(images),
        sha512=sha512,
        medium=name,
        epoch=epoch,
        architecture=values.architecture,
    )
    return live.get(values.distribution, values.generator).live(parts)


def numbered(images: Sequence[tuple[str, Artifact]]) -> list[tuple[str, Artifact]]:
    """``images``, the lowest first, with names that sort from the highest on: live-boot needs that for persistence."""
    last = len(images) - 1
    width = len(str(last))
    return [(f"{last - number:0{width}}-{name}", image) for number, (name, image) in enumerate(images)]


def _signed(work: Work, kernel: Artifact, boot: Mapping[str, Artifact]) -> tuple[Artifact, Mapping[str, Artifact]]:
    """``kernel`` and the outputs of the boot step, with signatures if the profile wants own ones.

    Raises StepError for a kernel without any signature, where the boot loader starts none without.
    """
    secure = work.slice(boot_step.Slice, "boot").secure
    if secure == "own":
        programs = {name: boot[name] for name in machine(work.slice(Slice).architecture).signable}
        signed = dict(signing.signed(work, {**programs, "kernel": kernel}))
        return signed.pop("kernel"), {**boot, **signed}
    if secure == "distribution" and work.store.has(kernel):
        with work.store.path(kernel).open("rb") as file:
            head = file.read(pe.HEAD)
        if not pe.has_signature(head):
            fact = "it has no signature, so the boot loader does not start it with Secure Boot"
            remedy = "choose one that the distribution signed, or write `boot: {secure: none}`"
            raise StepError("", complaints=[Complaint("kernel", "", fact, remedy)])
    return kernel, boot


def _content(contents: Mapping[str, bytes | Path], digest: str) -> bytes:
    """The content of a file of the theme. It is a path if an overlay has that file, too. Raises DebateError."""
    found = contents[digest]
    if isinstance(found, bytes):
        return found
    try:
        read = files.read(found.parent, found.name, files.MAX_FILE)
    except OSError as error:
        raise DebateError(*files.refusal(error), place=shown(found)) from None
    if keys.sha256(read) != digest:
        raise DebateError("changed while it was used", "start doit again", place=shown(found))
    return read


def layers(rootfs: Mapping[str, Any], overlay: Mapping[str, Any]) -> list[tuple[str, Artifact]]:
    """Name and image of each layer on the ISO, the lowest first, from the records of its steps."""
    from debate.history.records import outputs_of
    from debate.steps.work import layers_of

    packages = [("packages", layer) for layer in layers_of(rootfs)]
    return [*packages, ("overlay", outputs_of(overlay)["layer"])]


def _sha512(work: Work, layer: Artifact, wanted: Sequence[Artifact]) -> str:
    """The SHA-512 of ``layer`` in hex digits, cached. The cache keeps only the layers in ``wanted``."""
    known: dict[str, str] = work.remembered("sha512")
    if layer.digest not in known:
        kept = {image.digest for image in wanted}
        known = {digest: digits for digest, digits in known.items() if digest in kept}
        known[layer.digest] = keys.sha512_file(work.store.path(layer))
        work.save(known, "sha512")
    return known[layer.digest]


def step(
    iso: Slice,
    live: Live,
    boot: Mapping[str, Artifact],
    look: Mapping[str, bytes],
    name: str,
    volume: int,
    epoch: int,
    tools: Artifact,
) -> Step:
    """Output: iso. ``boot`` has the outputs of the boot step, and ``look`` is of `debate.images.theme.files`.

    ``name`` is the ISO's (`debate.live.medium`), and ``volume`` the time that is the UUID of its volume: each of many
    ISOs that have the date of one lock has its own.
    """
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines

    here = medium.file(name)
    parameters = {
        "iso/boot/grub/grub.cfg": menu.text(iso, live, here).encode(),
        "iso/boot/grub/loopback.cfg": menu.loopback(live, here).encode(),
        f"iso/{here}": f"{name}\n".encode(),
        **look,
    }
    inputs: dict[str, Artifact] = {}
    for path, content in live.tree.items():
        if isinstance(content, bytes):
            parameters[f"iso/{path}"] = content
        else:
            inputs[f"iso/{path}"] = content
    efi = {f"iso/EFI/BOOT/{path}": file for path, file in boot.items() if path.upper().endswith(".EFI")}
    inputs |= efi
    platforms = {"memtest-bios": "pc", "memtest-uefi": "efi"}
    inputs |= {f"iso/{menu.MEMTEST}-{name}": boot[output] for output, name in platforms.items() if output in boot}
    sums = {path: artifact.digest for path, artifact in inputs.items()}
    sums |= {path: keys.sha256(content) for path, content in parameters.items() if path.startswith("iso/")}
    lines = (f"{keys.digits(digest)}  {path.removeprefix('iso/')}" for path, digest in sorted(sums.items()))
    parameters["iso/sha256sum.txt"] = as_lines(lines)
    options = ["-iso-level", "3", "-rational-rock", "-joliet", "-volid", iso.label]
    options += ["-publisher", iso.publisher, "-appid", iso.application, "-preparer", "debate"]
    options += ["-partition_offset", "16"]
    if volume != epoch:
        options += [f"--modification-date={medium.volume_uuid(volume).replace('-', '')}"]
    if "mbr" in boot:
        inputs["mbr"] = boot["mbr"]
        parameters["bios"] = machine(iso.architecture).grub["bios"].encode()
        parameters["early.cfg"] = f"{menu.search(here)}\n{_GO_ON}".encode()
        options += ["-b", "boot/grub/bios.img", "-c", "boot/grub/boot.cat", "-no-emul-boot"]
        options += ["-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info"]
        options += ["--grub2-mbr", "/run/in/mbr"]
    if efi:
        parameters["esp.cfg"] = f"if {menu.search(here)}; then\n{_GO_ON}fi\n".encode()
        parameters["volume"] = name[:8].encode()
        options += ["-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "/run/work/esp"]
        options += [*_TABLES[iso.partition_table], *(["-eltorito-alt-boot"] if "mbr" in boot else [])]
        options += ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
    parameters["options"] = "".join(f"{option}\0" for option in options).encode()
    return Step(
        name="iso",
        commands=(Command("iso.sh", stdout="iso"),),
        outputs=("iso",),
        epoch=epoch,
        parameters=parameters,
        inputs=inputs,
        tools=tools,
        composed="iso",
    )


RULE = Rule(
    name="iso",
    doc="put the ISO together",
    make=make,
    slice=Slice,
    slices=("boot", "epoch"),
    needs=("hash", "epoch", "contents", "rootfs", "overlay", "initrd", "boot"),
    tools=True,
    rights=("data",),
    outputs=("iso",),
    memory=("sha512",),
    has_shell=True,
    state=lambda settings, profile: signing.state(settings),  # noqa: ARG005
)
