"""What GRUB's images are made of."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from debate.distributions import debian
from debate.errors import ProfileError, StepError
from debate.model import Artifact, Locked
from debate.profile.load import load
from debate.steps import boot, config, lock
from debate.text import pe
from tests.unit.steps.fake import SIGNED_PROGRAM, build_on_a_base

TOOLS = Artifact("sha256:0", 1)
SIGNED = [
    Locked(name, "1", "amd64", "debian", f"pool/{name}.deb", 1, number * 64)
    for name, number in (("grub-efi-amd64-signed", "a"), ("shim-signed", "b"))
]


@pytest.mark.parametrize(
    ("firmware", "outputs", "targets"),
    [
        (("bios", "uefi"), ("mbr", "BOOTX64.EFI"), b"mbr i386-pc\nBOOTX64.EFI x86_64-efi\n"),
        (("bios",), ("mbr",), b"mbr i386-pc\n"),
        (("uefi-ia32",), ("BOOTIA32.EFI",), b"BOOTIA32.EFI i386-efi\n"),
        (("uefi",), ("BOOTX64.EFI",), b"BOOTX64.EFI x86_64-efi\n"),
    ],
)
def test_outputs_follow_the_firmware(firmware: tuple[str, ...], outputs: tuple[str, ...], targets: bytes) -> None:
    step = boot.step(boot.Slice(firmware, "amd64", "debian", "none", ()), [], TOOLS)
    assert (step.outputs, step.parameters, step.inputs) == (outputs, {"targets": targets}, {})
    assert [(command.script, command.rights) for command in step.commands] == [("boot.sh", "data")]


def test_what_is_signed_is_of_packages() -> None:
    step = boot.step(boot.Slice(("bios", "uefi"), "amd64", "debian", "distribution", ()), SIGNED, TOOLS)
    assert step.parameters == {
        "targets": b"mbr i386-pc\n",
        "names": f"{'a' * 64} grub-efi-amd64-signed 1\n{'b' * 64} shim-signed 1\n".encode(),
        "signed": f"BOOTX64.EFI {'b' * 64} usr/lib/shim/shimx64.efi.signed\n"
        f"grubx64.efi {'a' * 64} usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed\n".encode(),
    }
    assert dict(step.inputs) == {f"packages/{one.sha256}.deb": one.artifact for one in SIGNED}
    assert step.outputs == ("mbr", "BOOTX64.EFI", "grubx64.efi", "unpacked")
    assert [(command.script, command.rights) for command in step.commands] == [
        ("boot.sh", "data"), ("debian/signed.sh", "apart"),
    ]  # fmt: skip
    [alone] = boot.step(boot.Slice(("uefi",), "amd64", "debian", "distribution", ()), SIGNED, TOOLS).commands
    assert alone.script == "debian/signed.sh"


@pytest.mark.parametrize(
    ("release", "secure", "firmware", "taken"),
    [
        ("trixie", "none", "bios", {"memtest-bios": "boot/memtest86+x64.bin"}),
        ("sid", "none", "bios, uefi", {"memtest-bios": "boot/mt86+x64", "memtest-uefi": "boot/mt86+x64"}),
        ("bookworm", "distribution", "uefi", {"memtest-uefi": "boot/memtest86+x64.efi"}),
    ],
)
def test_memtest_is_of_its_package(
    tmp_path: Path, release: str, secure: str, firmware: str, taken: dict[str, str]
) -> None:
    text = f"release: {release}\nboot: {{secure: {secure}, firmware: [{firmware}], entries: [default, memtest]}}"
    made = of(tmp_path, text)
    wanted = made.slice(lock.Slice).unpacked
    assert "memtest86+" in wanted
    packages = [
        Locked(name, "1", "amd64", "debian", f"pool/{name}.deb", 1, str(n) * 64) for n, name in enumerate(wanted)
    ]
    step = boot.step(made.slice(boot.Slice), packages, TOOLS)
    digest = next(package.sha256 for package in packages if package.name == "memtest86+")
    lines = step.parameters["signed"].decode().splitlines()
    assert [line for line in lines if line.startswith("memtest")] == [
        f"{output} {digest} {path}" for output, path in taken.items()
    ]
    assert len(lines) == len(taken) + (2 if secure == "distribution" else 0)
    assert {*taken, "unpacked"} <= {*step.outputs}
    assert {f"packages/{package.sha256}.deb" for package in packages} == step.inputs.keys()


@pytest.mark.parametrize(
    ("text", "secure", "unpacked"),
    [
        ("", "distribution", ("grub-efi-amd64-signed", "shim-signed")),
        ("boot: {secure: distribution}", "distribution", ("grub-efi-amd64-signed", "shim-signed")),
        ("boot: {secure: none}", "none", ()),
        ("boot: {secure: own}", "own", ()),
        ("distribution: arch\nboot: {secure: own}", "own", ()),
        ("boot: {firmware: [bios]}", "none", ()),
        ("boot: {firmware: [bios], secure: none}", "none", ()),
        ("distribution: arch", "none", ()),
    ],
)
def test_who_signed_what_starts(tmp_path: Path, text: str, secure: str, unpacked: tuple[str, ...]) -> None:
    made = of(tmp_path, text)
    assert made.slice(boot.Slice).secure == secure
    assert made.slice(lock.Slice).unpacked == unpacked


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("distribution: arch\nboot: {secure: distribution}",
         "x.yaml:3:16: boot.secure: Arch has no signed boot loader; write own or none, or leave it out"),
        ("boot: {firmware: [bios], secure: distribution}",
         "x.yaml:2:34: boot.secure: Secure Boot is of UEFI, which is not in boot.firmware; "
         "add uefi to boot.firmware, or leave it out"),
    ],
)  # fmt: skip
def test_what_cannot_be_signed(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProfileError) as caught:
        of(tmp_path, text)
    assert [
        str(each).rpartition("/")[2] if "/" in str(each.place) else str(each) for each in caught.value.problems
    ] == [problem]


def of(directory: Path, text: str) -> config.Config:
    (directory / "x.yaml").write_text(f"version: 1\n{text}\n")
    return config.normalise(load(directory, "x"), directory)


def test_locks_without_signed_packages_ask_as_before() -> None:
    """So that those of older versions still fit."""
    old = lock.Slice("debian", "trixie", "amd64", ("main",), None, (), True, ("curl",), None)
    assert "unpacked" not in old.to_json()


def test_signatures_of_kernels() -> None:
    assert pe.has_signature(SIGNED_PROGRAM)
    for end in range(len(SIGNED_PROGRAM)):
        assert not pe.has_signature(SIGNED_PROGRAM[:end])
    place = SIGNED_PROGRAM.index(struct.pack("<II", 1, 1))
    assert not pe.has_signature(SIGNED_PROGRAM[:place] + bytes(8) + SIGNED_PROGRAM[place + 8 :])


def test_what_a_package_has_is_a_signed_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever took it out: a cache that says something else is not believed either."""
    made = build_on_a_base(tmp_path)
    shim = made.outputs("boot")["BOOTX64.EFI"]
    unsigned = SIGNED_PROGRAM[:-8] + bytes(8)
    monkeypatch.setattr("tests.unit.steps.fake.SIGNED_PROGRAM", unsigned)
    made.store.path(shim).unlink()
    with pytest.raises(StepError) as caught:
        made.make("boot")
    assert [str(each) for each in caught.value.problems] == [
        f"{tmp_path}/profiles/minimal.yaml: boot.secure: {package}: /{path} is no signed program of UEFI; "
        "choose another version of it, or write `boot: {secure: none}`"
        for package, path in debian.SIGNED["amd64"].values()
    ]


def test_an_unsigned_kernel_is_refused(tmp_path: Path) -> None:
    made = build_on_a_base(tmp_path)
    record = made.load("initrd")
    kernel = made.store.put(SIGNED_PROGRAM[:-8] + bytes(8))
    made.records.save("initrd", {**record, "outputs": {**record["outputs"], "kernel": vars(kernel)}})
    with pytest.raises(
        StepError, match=r"minimal.yaml: kernel: it has no signature, .*; choose one that the distribut"
    ):
        made.make("iso")
    made.records.save("slices/boot", {**made.load("slices/boot"), "secure": "none"})
    made.make("iso")
