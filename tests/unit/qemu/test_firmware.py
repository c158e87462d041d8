"""Each guest has variables of its own, of what its firmware shall know."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.machines import AMD64
from debate.qemu.firmware import own_variables

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


def test_where_it_is_not_installed() -> None:
    machine = replace(AMD64, secure_firmware=(("/nonexistent",) * 3,))
    with (
        pytest.raises(DebateError, match="with Secure Boot and Microsoft's keys is not installed"),
        own_variables(machine, "secure-boot", b""),
    ):
        pass
