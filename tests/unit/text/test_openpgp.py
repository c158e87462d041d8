"""Files of keys: what they are by mistake is told when a profile is checked."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import DebateError
from debate.text.openpgp import public_keys
from tests.conftest import PROFILES

ARMOURED = (PROFILES / "keys" / "extra.asc").read_bytes()
BINARY = public_keys(ARMOURED)
LINES = ARMOURED.splitlines()
SECRET = bytes([0xC5]) + BINARY[1:]
"""The packet of a secret key, in the newer form of packets. What is in it does not matter."""
ELDER = b"\x99\x00\x03abc"
"""A public key in the older form of packets: one of three bytes."""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (ARMOURED, BINARY),
        (BINARY, BINARY),
        (ARMOURED * 2, BINARY * 2),
        (BINARY + ELDER, BINARY + ELDER),
        (b"\xef\xbb\xbf\r\nKeys of us\r\n\r\n" + ARMOURED.replace(b"\n", b"\r\n"), BINARY),
        (ARMOURED.replace(b"\n\n", b"\nComment: ours\nVersion: 1\n\n", 1), BINARY),
        (b"\n".join(line for line in LINES if not line.startswith(b"=")) + b"\n", BINARY),
        ("Schlüssel:\n".encode("latin-1") + ARMOURED + "für uns\n".encode("latin-1"), BINARY),
        ("Über uns\n".encode() + ARMOURED, BINARY),
    ],
)
def test_keys(data: bytes, found: bytes) -> None:
    assert public_keys(data) == found


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "is empty"),
        (b" \n\xef\xbb\xbf"[:2], "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"<!DOCTYPE html>\n<title>404</title>", "is a web page, not a key"),
        (b"\n <html>" + ARMOURED, "is a web page, not a key"),
        (b"\0\0\0\x20\x01\x01\0\x02KBXf" + bytes(40), "is a keybox, GnuPG's own store of keys"),
        (ARMOURED.replace(b"PUBLIC", b"PRIVATE"), "has a private key"),
        (SECRET, "has a private key"),
        (BINARY + SECRET, "has a private key"),
        (ARMOURED.replace(b"PUBLIC KEY BLOCK", b"SIGNATURE"), "has no OpenPGP public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "has no OpenPGP public key"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me\n", "has no OpenPGP public key"),
        (b"untrusted comment: minisign public key\nRWQ\n", "has no OpenPGP public key"),
        (b"\xff\xfe" + ARMOURED.decode().encode("utf-16-le"), "has no OpenPGP public key"),
        (b"\xd1\x03abc", "has no OpenPGP public key"),
        (BINARY + ARMOURED, "has a binary key and an armoured one"),
        (ARMOURED + BINARY, "has a binary key and an armoured one"),
        (ARMOURED + ELDER + ARMOURED, "has a binary key and an armoured one"),
        (b"Ours:\n" + BINARY + ARMOURED, "has a binary key and an armoured one"),
        (b"\n".join(LINES[:-2]), "has a key that is cut off"),
        (ARMOURED.replace(LINES[3], b"!!"), "has a key that is damaged"),
        (
            ARMOURED.replace(LINES[-2], b"\n".join([LINES[-2]] * 2)),
            "has a key that is damaged: it has several checksums",
        ),
        (ARMOURED.replace(LINES[3], b""), "has a key that is damaged: it does not fit its checksum"),
        (ARMOURED.replace(LINES[3], b"").replace(LINES[-2], b""), "has a key that is damaged or cut off"),
        (BINARY[:-1], "has a key that is damaged or cut off"),
        (BINARY + b"\0", "has a key that is damaged or cut off"),
        (ELDER[:-1], "has a key that is damaged or cut off"),
        (b"\x9b\x00abc", "has a key that is damaged or cut off"),
    ],
)
def test_what_is_no_file_of_keys(data: bytes, fact: str) -> None:
    with pytest.raises(DebateError) as caught:
        public_keys(data)
    [problem] = caught.value.problems
    assert problem.fact == fact
    assert problem.remedy


@given(st.integers(0, len(LINES) - 1), st.data())
def test_no_letter_of_an_armoured_key_is_altered_unseen(number: int, data: st.DataObject) -> None:
    line = LINES[number]
    if not line or line.startswith(b"-") or b":" in line:
        return
    at = data.draw(st.integers(0, len(line) - 1))
    letter = data.draw(st.sampled_from(b"ABCDwxyz0189+/"))
    altered = line[:at] + bytes([letter]) + line[at + 1 :]
    text = b"\n".join([*LINES[:number], altered, *LINES[number + 1 :]])
    if line.startswith(b"=") and at == 0:
        return  # It is a line of the key, then.
    if altered == line:
        assert public_keys(text) == BINARY
    else:
        with pytest.raises(DebateError, match="damaged"):
            public_keys(text)


@given(st.binary(max_size=40), st.integers(0, len(BINARY)))
def test_any_file_is_of_keys_or_refused(more: bytes, at: int) -> None:
    for data in (more, BINARY[:at] + more, ARMOURED[:at] + more + ARMOURED[at:]):
        with contextlib.suppress(DebateError):
            assert public_keys(data)
