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
    """Firmware of the machine (``bios``, ``uefi``, ``uefi-ia32``) -> target of grub-mkimage."""
    removable: Mapping[str, str]
    """UEFI firmware of the machine -> name of the file in EFI/BOOT that it starts from removable media."""
    signable: Mapping[str, str]
    """Name of the file in EFI/BOOT -> path in the tools tree of what own signatures go on: shim, and its GRUB."""
    qemu: str
    """The program that emulates the machine."""
    qemu_machine: str
    """Value of ``-machine``."""
    qemu_cpu: str
    """Value of ``-cpu`` without KVM."""
    firmware: Mapping[str, tuple[tuple[str, str], ...]]
    """UEFI firmware of the machine -> paths at which distributions install it for QEMU, the preferred first: its code,
    and variables where that does not start without."""
    secure_firmware: tuple[tuple[str, str, str], ...]
    """Code of UEFI firmware with Secure Boot, and variables that have Microsoft's keys, and none."""

    @property
    def names(self) -> frozenset[str]:
        """All names of the architecture."""
        return frozenset((self.debian, self.arch, self.kernel))


AMD64 = Machine(
    debian="amd64",
    arch="x86_64",
    kernel="x86_64",
    grub={"bios": "i386-pc", "uefi": "x86_64-efi", "uefi-ia32": "i386-efi"},
    removable={"uefi": "BOOTX64.EFI", "uefi-ia32": "BOOTIA32.EFI"},
    signable={
        "BOOTX64.EFI": "/usr/lib/shim/shimx64.efi",
        "grubx64.efi": "/usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi",
    },
    qemu="qemu-system-x86_64",
    qemu_machine="q35",
    qemu_cpu="qemu64",
    firmware={
        "uefi": (
            ("/usr/share/OVMF/OVMF_CODE_4M.fd", ""),
            ("/usr/share/OVMF/OVMF_CODE.fd", ""),
            ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", ""),
            ("/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", ""),
        ),
        "uefi-ia32": (
            ("/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd"),
            ("/usr/share/edk2/ia32/OVMF_CODE.4m.fd", "/usr/share/edk2/ia32/OVMF_VARS.4m.fd"),
            ("/usr/share/edk2-ovmf/ia32/OVMF_CODE.fd", "/usr/share/edk2-ovmf/ia32/OVMF_VARS.fd"),
        ),
    },
    secure_firmware=(
        (
            "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
            "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
            "/usr/share/OVMF/OVMF_VARS_4M.fd",
        ),
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
