"""What boots that no ISO has for itself alone: boot code for BIOS, and what UEFI starts.

What finds one ISO is made with it (`debate.images.iso`), so all profiles share these. Machines with Secure Boot start
what Microsoft signed: the distribution's shim. That starts the GRUB that the distribution signed, which starts its
kernels. Both are files of locked packages. What gets own signatures, with the ISO, is of the tools tree.

Sources: grub-mkimage(1), UEFI specification 2.10, 3.5.1.1 (EFI/BOOT/BOOTX64.EFI); grub.cfg in the memory disk of
Debian's gcdx64.efi.signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from debate import distributions
from debate.deferred import frozen
from debate.errors import Complaint, DebateError, StepError
from debate.machines import machine
from debate.steps.download import supplier
from debate.steps.installed import installed
from debate.steps.listed import telling
from debate.steps.rule import Rule
from debate.text import pe
from debate.text.paths import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from debate.history.records import Report
    from debate.model import Artifact, Locked, Step
    from debate.steps.choices import Choices
    from debate.steps.work import Work


_OTHER = "choose another version of it, or write `boot: {secure: none}`"
_UNSIGNED = "packages bring modules as source: what DKMS makes of them is not signed, and not loaded with Secure Boot"


@frozen
class Slice:
    """The machines and their firmware."""

    firmware: tuple[str, ...]
    architecture: str
    distribution: str
    secure: str
    """Who signed what UEFI starts: see `debate.steps.choices.Choices`."""
    memtest: tuple[tuple[str, str], ...]
    """Of memtest86+: output, and the path in its package."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        firmware, secure = choices.data["boot"]["firmware"], choices.secure
        if secure == "distribution" and not choices.signed:
            fact = f"boot.secure: {choices.distribution.TITLE} has no signed boot loader"
            choices.problem(("boot", "secure"), fact, "write own or none, or leave it out")
        if secure != "none" and "uefi" not in firmware:
            fact = "boot.secure: Secure Boot is of UEFI, which is not in boot.firmware"
            choices.problem(("boot", "secure"), fact, "add uefi to boot.firmware, or leave it out")
        return cls(
            firmware=tuple(sorted(set(firmware))),
            architecture=choices.data["architecture"],
            distribution=choices.data["distribution"],
            secure=secure,
            memtest=tuple(_memtest(choices, firmware)),
        )


def _memtest(choices: Choices, firmware: Collection[str]) -> Iterator[tuple[str, str]]:
    """What the firmware of a profile starts of it."""
    for output, path in choices.distribution.memtest(choices.data["release"]).items():
        if choices.memtest and output.removeprefix("memtest-") in firmware:
            yield output, path


def make(work: Work) -> Report:
    """Record: outputs mbr, and those that lie in EFI/BOOT under their names, depending on the profile's firmware; and
    unpacked, a list of the packages that these are of.
    """
    from debate.history.records import AGAIN

    values, packages = work.slice(Slice), work.unpacked()
    names = {package.name for package in packages}
    for package, _ in _signed(values).values():
        if package not in names:
            fact = f"damaged: of {package} nothing is unpacked"
            raise DebateError(fact, AGAIN, place=shown(work.directory / "lock.json"))

    def check(outputs: Mapping[str, Artifact]) -> None:
        if "unpacked" in outputs:
            installed(work.store, outputs["unpacked"], packages)
            _require_signatures(work, values, outputs)

    report = work.finish(step(values, packages, work.tools), supplier(work, packages), check)
    told = [_UNSIGNED] if values.secure != "none" and work.record("packages")["modules"] else []
    return telling(report, "remark", told)


def _require_signatures(work: Work, boot: Slice, outputs: Mapping[str, Artifact]) -> None:
    """Raises StepError for a file of a package that is no program of UEFI with a signature, whoever made it."""
    complaints = []
    for name, (package, path) in _signed(boot).items():
        with work.store.path(outputs[name]).open("rb") as file:
            if not pe.has_signature(file.read(pe.HEAD)):
                fact = f"{package}: /{path} is no signed program of UEFI"
                complaints.append(Complaint("boot.secure", "", fact, _OTHER))
    if complaints:
        raise StepError("", complaints=complaints)


def _signed(boot: Slice) -> Mapping[str, tuple[str, str]]:
    """What is of the distribution's packages: see `debate.distributions.interface.Distribution`."""
    return distributions.get(boot.distribution).SIGNED[boot.architecture] if boot.secure == "distribution" else {}


def step(boot: Slice, packages: Sequence[Locked], tools: Artifact) -> Step:
    """Outputs: mbr for the firmware bios, the files that it starts for each other; unpacked.

    ``packages``: those that have what is signed.
    """
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines

    machine_, files = machine(boot.architecture), {package.name: package for package in packages}
    signed, signable = _signed(boot), machine_.signable if boot.secure == "own" else {}
    memtest = {output: (distributions.get(boot.distribution).MEMTEST, path) for output, path in boot.memtest}
    taken = {**signed, **memtest}
    outputs = {"bios": "mbr", **machine_.removable}
    made = [firmware for firmware in boot.firmware if outputs[firmware] not in {*signed, *signable}]
    parameters, commands = {}, []
    if made:
        parameters["targets"] = as_lines(f"{outputs[name]} {machine_.grub[name]}" for name in made)
        commands.append(Command("boot.sh"))
    if signable:
        parameters["signable"] = as_lines(f"{name} {path}" for name, path in signable.items())
        commands.append(Command("signable.sh"))
    if taken:
        commands.append(Command("debian/signed.sh", rights="apart"))
        lines = (f"{name} {files[package].sha256} {path}" for name, (package, path) in taken.items())
        parameters["signed"] = as_lines(lines)
        parameters["names"] = as_lines(f"{one.sha256} {one.name} {one.version}" for one in packages)
    return Step(
        name="boot",
        commands=tuple(commands),
        outputs=(*(outputs[firmware] for firmware in made), *signable, *taken, *(["unpacked"] if taken else [])),
        epoch=0,
        parameters=parameters,
        inputs={f"packages/{files[package].sha256}.deb": files[package].artifact for package, _ in taken.values()},
        tools=tools,
    )


RULE = Rule(
    name="boot",
    doc="make boot images",
    make=make,
    slice=Slice,
    slices=("lock",),
    needs=("lock", "packages", "mirrors"),
    tools=True,
    rights=("data", "apart", "fetch"),
    outputs=("mbr", "BOOTX64.EFI", "BOOTIA32.EFI", "grubx64.efi", "memtest-bios", "memtest-uefi", "unpacked"),
    has_shell=True,
)
