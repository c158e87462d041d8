"""Variables of firmware with one certificate have the form of those that Debian ships with one of its own."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from debate.machines import AMD64
from debate.qemu.variables import with_certificate

_, _, EMPTY = AMD64.secure_firmware[0]
SNAKEOIL, ITS = Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"), Path("/usr/share/ovmf/PkKek-1-snakeoil.pem")


@pytest.fixture
def empty() -> bytes:
    if not Path(EMPTY).exists():
        pytest.skip("needs ovmf; ./setup test installs it")
    return Path(EMPTY).read_bytes()


def test_it_is_the_only_one(empty: bytes) -> None:
    made = with_certificate(empty, b"a certificate")
    assert len(made) == len(empty)
    assert made.count(b"a certificate") == 3
    for name in ("PK", "KEK", "db"):
        assert made.count(f"{name}\0".encode("utf-16-le")) == 1
    assert with_certificate(empty, b"another") != made


@pytest.mark.parametrize("name", ["PK", "KEK", "db"])
def test_the_same_as_the_firmware_keeps(empty: bytes, name: str) -> None:
    """But for the time and the owner, which can be any."""
    if not SNAKEOIL.exists() or not ITS.exists():
        pytest.skip("needs Debian's ovmf")
    words = "".join(ITS.read_text().partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0].split())
    certificate = base64.b64decode(words)
    head, text = b"\xaa\x55\x3f\0\x27\0\0\0", f"{name}\0".encode("utf-16-le")
    parts = (re.escape(head), b".{28}(.{4}.{4}.{16})", re.escape(text), b"(.{16}.{12}).{16}", re.escape(certificate))
    pattern = b"".join(parts)
    [ours], [theirs] = (
        re.findall(pattern, content, re.DOTALL)
        for content in (with_certificate(empty, certificate), SNAKEOIL.read_bytes())
    )
    assert ours == theirs


def test_what_is_no_store(empty: bytes) -> None:
    for wrong in (b"", bytes(100), empty[:100]):
        with pytest.raises(ValueError, match=r"room|subsection"):
            with_certificate(wrong, b"x" * 100)
    with pytest.raises(ValueError, match="room"):
        with_certificate(empty, bytes(1 << 20))
    with pytest.raises(ValueError, match="room"):
        with_certificate(with_certificate(empty, b"x"), b"x")
