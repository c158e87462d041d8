"""The machines that images are built for, with the names that boot loaders, firmware, emulators and distributions use.

Sources: UEFI specification 2.10, 3.5.1.1 (removable media); grub-mkimage(1), targets; qemu-system-x86_64(1), machine
types; file lists of the packages ovmf (Debian) and edk2-ovmf (Arch).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from debate.errors import DebateError


@dataclass(frozen=True, eq=False, repr=False)
class Machine:
    """One kind of machine: a row of `MACHINES`."""

    debian: str
    """Debian's name of the architecture."""
    arch: str
    """Arch's name of the architecture."""
    kernel: str
    """The name in uname(2)."""
    grub: Mapping[str, str]
    """Firmware of the machine (``bios``, ``uefi``) -> target of grub-mkimage."""
    removable: str
    """Name of the file in EFI/BOOT on removable media."""
    qemu: str
    """The program that emulates the machine."""
    qemu_machine: str
    """Value of ``-machine``."""
    qemu_cpu: str
    """Value of ``-cpu`` without KVM."""
    firmware: tuple[str, ...]
    """Paths at which distributions install UEFI firmware for QEMU, the preferred first."""

    @property
    def names(self) -> frozenset[str]:
        """All names of the architecture."""
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
"""All machines. No two of them share a name."""


def machine(name: str) -> Machine:
    """The machine with this name, one of a distribution or the kernel. Raises DebateError."""
    for known in MACHINES:
        if name in known.names:
            return known
    names = sorted(name for known in MACHINES for name in known.names)
    raise DebateError("not supported", f"choose one of {', '.join(names)}", place=f"machine {name!r}")


def here() -> Machine:
    """The machine of this host. Raises DebateError."""
    return machine(os.uname().machine)
