"""Files with OpenPGP public keys, as people have them: armoured, binary, or by mistake something else.

Source: RFC 9580, sections 4.2 (packets) and 6.2 (armour).
"""

from __future__ import annotations

import base64
import binascii
import functools
import itertools
from collections.abc import Iterator

from debate.errors import DebateError

_BEGIN, _END = b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----END PGP PUBLIC KEY BLOCK-----"
_PUBLIC, _SECRET, _SUBKEYS_SECRET = 6, 5, 7
_OF_A_KEY = (_PUBLIC, 2, 10, 12, 13, 14, 17, 21)
"""Packets of a public key: signatures, marker, trust, user ID, subkey, user attribute, padding."""
_MOST = 50_000
"""Packets of one file. A keyring of a whole distribution has a tenth of that."""
_EXPORT = "export the key with gpg --export --armor"
_ONE_FORM = "make it two repositories, or one form of both"
_ASK = "get the key from those who run the repository"


def public_keys(data: bytes) -> bytes:
    """The public keys in a file, in binary form. Raises DebateError, without a place, if it is no file of keys."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise DebateError("is empty", _ASK)
    if data[8:12] == b"KBXf":
        raise DebateError("is a keybox, GnuPG's own store of keys", _EXPORT)
    if text.startswith(b"<"):
        raise DebateError("is a web page, not a key", "download the file itself, and look at it before you commit it")
    if b"-----BEGIN PGP PRIVATE KEY BLOCK-----" in data:
        raise DebateError("has a private key", f"remove that from everywhere; {_EXPORT}")
    parts = [part.partition(_END) for part in data.split(_BEGIN)[1:]]
    blocks = [block for block, end, _ in parts if end]
    before = data.split(_BEGIN)[0]
    if data[0] & 0x80 and not data.startswith((b"\xff\xfe", b"\xfe\xff")) and not _is_text(before):
        if blocks:
            raise DebateError("has a binary key and an armoured one", _ONE_FORM)
        blocks = [data]
    elif blocks and not all(map(_is_text, (before, *(rest for _, _, rest in parts)))):
        raise DebateError("has a binary key and an armoured one", _ONE_FORM)
    elif len(blocks) < len(parts):
        raise DebateError("has a key that is cut off", _ASK)
    else:
        blocks = [_decoded(block) for block in blocks]
    if not blocks:
        raise DebateError("has no OpenPGP public key", _ASK)
    for block in blocks:
        _require_keys(block)
    return b"".join(blocks)


def _decoded(block: bytes) -> bytes:
    """What stands between the lines of an armoured key, without its headers; its checksum must fit."""
    lines = [line.strip() for line in block.split(b"\n")][1:]
    body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
    try:
        key = base64.b64decode(b"".join(line for line in body if not line.startswith(b"=")), validate=True)
        sums = [base64.b64decode(line[1:], validate=True) for line in body if line.startswith(b"=")]
    except binascii.Error:
        raise DebateError("has a key that is damaged", _ASK) from None
    if len(sums) > 1:
        raise DebateError("has a key that is damaged: it has several checksums", _ASK)
    if sums and sums[0] != _crc24(key).to_bytes(3, "big"):
        raise DebateError("has a key that is damaged: it does not fit its checksum", _ASK)
    return key


def _is_text(data: bytes) -> bool:
    """False for packets, the first byte of which is above all of ASCII. gpg passes over text in any character set."""
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.lstrip()[0] < 0x80
    return True


def _crc24(data: bytes) -> int:
    """The checksum of armour: see RFC 9580, section 6.1."""
    table, crc = _crc24_table(), 0xB704CE
    for byte in data:
        crc = (crc << 8 & 0xFFFFFF) ^ table[crc >> 16 ^ byte]
    return crc


@functools.cache  # A file can have as many keys as it has lines.
def _crc24_table() -> list[int]:
    return [_shifted(byte << 16) for byte in range(256)]


def _shifted(crc: int) -> int:
    for _ in range(8):
        crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc


def _require_keys(data: bytes) -> None:
    """Raises DebateError unless ``data`` is one or more public keys."""
    tags = list(itertools.islice(_tags(data), _MOST + 1))
    if len(tags) > _MOST:
        raise DebateError(f"has more than {_MOST:,} packets", _ASK)
    if _SECRET in tags or _SUBKEYS_SECRET in tags:
        raise DebateError("has a private key", f"remove that from everywhere; {_EXPORT}")
    if not tags or tags[0] != _PUBLIC or not set(tags) <= set(_OF_A_KEY):
        raise DebateError("has no OpenPGP public key", _ASK)


def _tags(data: bytes) -> Iterator[int]:
    """The kind of each packet. Raises DebateError if one of them does not end within ``data``."""
    at = 0
    while at < len(data):
        first = data[at]
        tag, size = (first & 0x3F, _new_length) if first & 0x40 else (first >> 2 & 0xF, _old_length)
        header, length = size(data, at) if first & 0x80 else (0, 0)
        at += header + length
        if not header or at > len(data):
            raise DebateError("has a key that is damaged or cut off", _ASK)
        yield tag


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    """Bytes of the header and of the body of the packet at ``at``; (0, 0) if it has no whole header."""
    first = data[at + 1] if at + 1 < len(data) else 224
    if first < 192:
        return 2, first
    if first < 224 and at + 2 < len(data):
        return 3, ((first - 192) << 8) + data[at + 2] + 192
    return (6, int.from_bytes(data[at + 2 : at + 6], "big")) if first == 255 and at + 6 <= len(data) else (0, 0)


def _old_length(data: bytes, at: int) -> tuple[int, int]:
    """The same, in the older form of packets."""
    kind = data[at] & 3
    octets = 1 << kind
    if kind == 3 or at + 1 + octets > len(data):
        return 0, 0
    return 1 + octets, int.from_bytes(data[at + 1 : at + 1 + octets], "big")
