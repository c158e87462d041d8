"""Machines that images are built for: every name that boot loaders, firmware, emulators and distributions have for one.

Sources: UEFI specification 2.10, 3.5.1.1 (removable media); grub-mkimage(1), targets; qemu-system-x86_64(1), machine
types; file lists of the packages ovmf (Debian) and edk2-ovmf (Arch).
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from debate.errors import DebateError


@dataclass(frozen=True, eq=False)
class Machine:
    """One kind of machine: a row of `MACHINES`."""

    debian: str
    """As Debian calls the architecture."""
    arch: str
    """As Arch calls it."""
    kernel: str
    """As uname(2) does, and so `platform.machine`."""
    grub: Mapping[str, str]
    """Firmware (``bios``, ``uefi``) -> target of grub-mkimage, as far as the machine has that firmware."""
    removable: str
    """File in EFI/BOOT of removable media."""
    qemu: str
    """The program that emulates it."""
    qemu_machine: str
    """``-machine``."""
    qemu_cpu: str
    """``-cpu`` without KVM."""
    firmware: tuple[str, ...]
    """Where distributions install UEFI firmware for QEMU, the best first."""

    @property
    def names(self) -> frozenset[str]:
        """Its names, each of which `machine` knows."""
        return frozenset((self.debian, self.arch, self.kernel))


AMD64 = Machine(
    debian="amd64",
    arch="x86_64",
    kernel="x86_64",
    grub={"bios": "i386-pc", "uefi": "x86_64-efi"},
    removable="BOOTX64.EFI",
    qemu="qemu-system-x86_64",
    qemu_machine="q35",
    qemu_cpu="qemu64",
    firmware=(
        "/usr/share/OVMF/OVMF_CODE_4M.fd",
        "/usr/share/OVMF/OVMF_CODE.fd",
        "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
        "/usr/share/edk2-ovmf/x64/OVMF_CODE.fd",
    ),
)

MACHINES = (AMD64,)
"""All of them; no name stands for two."""


def machine(name: str) -> Machine:
    """The machine that a distribution or the kernel calls ``name``. Raises DebateError."""
    for known in MACHINES:
        if name in known.names:
            return known
    names = sorted(name for known in MACHINES for name in known.names)
    raise DebateError(f"machine {name!r} is not supported", f"choose one of {', '.join(names)}")


def here() -> Machine:
    """The machine that this runs on. Raises DebateError."""
    return machine(platform.machine())
