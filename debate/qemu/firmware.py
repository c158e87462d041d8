"""The firmware of a guest: what QEMU is told of it, and the variables of firmware with Secure Boot.

Sources: qemu(1); docs/system/i386/pc.rst of QEMU (smm); README of OVMF, "SMM support" (cfi.pflash01, secure).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debate import install
from debate.errors import DebateError
from debate.machines import Machine
from debate.qemu.variables import with_certificate

SECURE_BOOT = "secure-boot"
"""UEFI with Secure Boot. Other kinds of firmware are ``bios`` and those of `Machine.firmware`."""


def of_machine(machine: Machine, firmware: str) -> str:
    """The value of QEMU's -machine."""
    return machine.qemu_machine + (",smm=on" if firmware == SECURE_BOOT else "")


def options(machine: Machine, firmware: str, variables: int, number: int) -> list[str]:
    """QEMU's options for the firmware.

    ``variables`` is the descriptor of their file, which becomes the set of that ``number``. Raises DebateError if the
    firmware is not installed.
    """
    if firmware == "bios":
        return []
    code, kept = uefi(machine, firmware)
    argv = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}"]
    if firmware == SECURE_BOOT:  # Only code of the firmware itself may write there.
        argv += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    if kept:
        argv += ["-add-fd", f"fd={variables},set={number}"]
        argv += ["-drive", f"if=pflash,unit=1,format=raw,auto-read-only=off,file=/dev/fdset/{number}"]
    return argv


@contextmanager
def own_variables(machine: Machine, firmware: str, certificate: bytes) -> Iterator[int]:
    """The descriptor of a file with the variables of one guest, which may change them.

    Firmware with Secure Boot knows ``certificate`` (DER) alone, or Microsoft's if that is empty; for firmware that
    starts without variables the file is empty. Raises DebateError.
    """
    with tempfile.TemporaryFile(prefix="debate-variables-") as file:
        if firmware == SECURE_BOOT and certificate:
            file.write(with_certificate(Path(secure(machine)[2]).read_bytes(), certificate))
        elif firmware != "bios" and (kept := uefi(machine, firmware)[1]):
            file.write(Path(kept).read_bytes())
        file.flush()
        yield file.fileno()


def uefi(machine: Machine, firmware: str) -> tuple[str, str]:
    """The files with the code and the first variables of UEFI firmware, which may need none (empty). Raises DebateError
    if it is not installed.
    """
    if firmware == SECURE_BOOT:
        code, of_microsoft, _ = secure(machine)
        return code, of_microsoft
    for code, kept in machine.firmware[firmware]:
        if Path(code).exists() and (not kept or Path(kept).exists()):
            return code, kept
    if firmware != "uefi":
        fact = f"firmware {firmware} for QEMU is not installed"
        raise DebateError(fact, "install the package that has it, on Debian ovmf-ia32, on Arch edk2-ovmf")
    raise DebateError("UEFI firmware for QEMU (OVMF) is not installed", install("ovmf", "with the same target"))


def secure(machine: Machine) -> tuple[str, str, str]:
    """Code of UEFI firmware with Secure Boot, variables with Microsoft's keys, and without any. Raises DebateError."""
    for files in machine.secure_firmware:
        if all(Path(file).exists() for file in files):
            return files
    fact = "UEFI firmware for QEMU with Secure Boot and Microsoft's keys is not installed"
    raise DebateError(fact, f"{install('ovmf', 'with the same target')}; Debian's ovmf has it")
