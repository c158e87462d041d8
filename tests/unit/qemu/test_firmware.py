"""Each guest has variables of its own, of what its firmware shall know."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.machines import AMD64
from debate.qemu.firmware import options, own_variables

HERE = all(Path(file).exists() for file in AMD64.secure_firmware[0])


def content(firmware: str, certificate: bytes = b"") -> bytes:
    with own_variables(AMD64, firmware, certificate) as file:
        return os.pread(file, 1 << 24, 0)


@pytest.mark.skipif(not HERE, reason="needs ovmf; ./setup test installs it")
def test_who_is_known() -> None:
    of_microsoft = Path(AMD64.secure_firmware[0][1]).read_bytes()
    assert content("secure-boot") == of_microsoft
    own = content("secure-boot", b"a certificate")
    assert own.count(b"a certificate") == 3
    assert b"Microsoft" in of_microsoft
    assert b"Microsoft" not in own


def test_other_firmware_has_none() -> None:
    assert content("uefi") == content("bios") == b""


def test_firmware_that_starts_with_variables_alone(tmp_path: Path) -> None:
    """It is told of a file of its own, which it may write to; without one of the two files it is not installed."""
    code, kept = tmp_path / "code", tmp_path / "variables"
    code.write_bytes(b"code")
    machine = replace(AMD64, firmware={"uefi-ia32": (("/nonexistent", ""), (str(code), str(kept)))})
    with pytest.raises(DebateError, match="ovmf-ia32"), own_variables(machine, "uefi-ia32", b""):
        pass
    kept.write_bytes(b"first")
    with own_variables(machine, "uefi-ia32", b"") as file:
        assert os.pread(file, 9, 0) == b"first"
        os.pwrite(file, b"later", 0)
        argv = options(machine, "uefi-ia32", file, 7)
    assert kept.read_bytes() == b"first"
    assert f"if=pflash,unit=0,format=raw,readonly=on,file={code}" in argv
    assert f"fd={file},set=7" in argv
    assert not [word for word in argv if "property=secure" in word]


def test_where_it_is_not_installed() -> None:
    machine = replace(AMD64, secure_firmware=(("/nonexistent",) * 3,))
    with (
        pytest.raises(DebateError, match="with Secure Boot and Microsoft's keys is not installed"),
        own_variables(machine, "secure-boot", b""),
    ):
        pass
