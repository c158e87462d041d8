"""The ISO: layers, kernel, initramfs, boot images and GRUB's menu in one hybrid image.

Sources: xorriso-as-mkisofs(1), ECMA-119, El Torito 1.0, UEFI specification 2.10, 5.3 (GPT), GRUB's manual (serial,
linux).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from debate import keys, live
from debate.deferred import frozen
from debate.steps.rule import Rule
from debate.text import kernel_line
from debate.text.grub import quote

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.live.interface import Live
    from debate.model import Artifact, Step
    from debate.steps.choices import Choices
    from debate.steps.work import Work


_LONGEST = 1900
"""Characters of consoles and arguments. x86 kernels read 2047 of the whole line, and what finds the ISO needs some."""


@frozen
class Slice:
    """What goes onto the ISO in addition to the outputs of other steps."""

    distribution: str
    architecture: str
    generator: str
    """The initramfs generator, which decides where the layers are looked for."""
    label: str
    publisher: str
    application: str
    title: str
    """Title of the menu entry."""
    timeout: int
    """Seconds until the menu boots its entry; -1 for never."""
    console: tuple[str, ...]
    arguments: tuple[str, ...]
    """Kernel arguments, after those for the live system and the consoles."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        data, boot, label = choices.data, choices.data["boot"], choices.label
        size = len(kernel_line.joined(_words(boot["console"], boot["arguments"])))
        if size > _LONGEST:
            fact = f"boot.arguments: {size:,} characters with the consoles, and the kernel cuts off a long command line"
            remedy = f"make them {_LONGEST:,} or fewer; modprobe.d, sysctl.d and units take settings from files"
            choices.problem(("boot", "arguments"), fact, remedy)
        _refuse_arguments(choices)
        return cls(
            distribution=data["distribution"],
            architecture=data["architecture"],
            generator=data["initrd"]["generator"],
            label=label,
            publisher=data["image"]["publisher"],
            application="Live system",
            title=boot["title"] or label,
            timeout=boot["timeout"],
            console=tuple(boot["console"]),
            arguments=tuple(boot["arguments"]),
        )


def _refuse_arguments(choices: Choices) -> None:
    """Note a problem for each argument that would keep the kernel or the initramfs from what debate tells them."""
    finders = live.get(choices.data["distribution"], choices.data["initrd"]["generator"]).FINDERS
    for number, argument in enumerate(choices.data["boot"]["arguments"]):
        name, place = argument.partition("=")[0], ("boot", "arguments", number)
        if name in finders:
            choices.problem(place, f"boot.arguments: {name} is set by debate", "leave it out")
        elif argument == "--":
            choices.problem(place, "boot.arguments: what follows -- goes to init, not to the kernel", "leave it out")


def make(work: Work) -> Report:
    """Record: output iso."""
    from debate.live.interface import LiveParts

    values, epoch, initrd = work.slice(Slice), work.record("hash")["epoch"], work.outputs("initrd")
    images = layers(work.record("rootfs"), work.record("overlay"))
    stacked = [image for _, image in images]
    numbered = [(f"{number}-{name}", image) for number, (name, image) in enumerate(images)]
    parts = LiveParts(
        kernel=initrd["kernel"],
        initrd=initrd["initrd"],
        layers=numbered,
        sha512=lambda image: _sha512(work, image, stacked),
        label=values.label,
        epoch=epoch,
        architecture=values.architecture,
    )
    tree = live.get(values.distribution, values.generator).live(parts)
    return work.finish(step(values, tree, work.outputs("boot"), epoch, work.tools))


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


def step(iso: Slice, live: Live, boot: Mapping[str, Artifact], epoch: int, tools: Artifact) -> Step:
    """Output: iso. ``boot`` has the outputs of the boot step."""
    from debate.model import Command, Step

    parameters = {"iso/boot/grub/grub.cfg": menu(iso, live).encode()}
    inputs = {}
    for path, content in live.tree.items():
        if isinstance(content, bytes):
            parameters[f"iso/{path}"] = content
        else:
            inputs[f"iso/{path}"] = content
    options = ["-iso-level", "3", "-rational-rock", "-joliet", "-volid", iso.label]
    options += ["-publisher", iso.publisher, "-appid", iso.application, "-preparer", "debate"]
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
        tools=tools,
        composed="iso",
    )


def menu(iso: Slice, live: Live) -> str:
    """The text of boot/grub/grub.cfg."""
    lines = []
    for console in iso.console:
        name, _, options = console.partition(",")
        if name.startswith("ttyS"):
            speed = "".join(c for c in options if c.isascii() and c.isdigit())[:6] or "9600"
            speed = speed if len(speed) < 4 else options.rstrip("noe78r") or speed
            lines.append(f"serial --unit={int(name[4:])} --speed={speed}")
            lines += ["terminal_input console serial", "terminal_output console serial"]
            break
    arguments = [*live.arguments, *_words(iso.console, iso.arguments)]
    lines += [
        "set default=0",
        f"set timeout={iso.timeout}",
        f"menuentry -- {quote(iso.title)} {{",
        f"    linux {live.kernel} {' '.join(map(quote, arguments))}",
        f"    initrd {live.initrd}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _words(consoles: Iterable[str], arguments: Iterable[str]) -> list[str]:
    """The kernel arguments that the profile decides."""
    return [*(f"console={console}" for console in consoles), *arguments]


RULE = Rule(
    name="iso",
    doc="put the ISO together",
    make=make,
    slice=Slice,
    needs=("hash", "rootfs", "overlay", "initrd", "boot"),
    tools=True,
    rights=("data",),
    outputs=("iso",),
    memory=("sha512",),
    has_shell=True,
)
