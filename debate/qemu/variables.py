"""Variables of UEFI firmware for QEMU with one certificate: it starts nothing but what that certificate's key signed.

Sources: EDK2, MdeModulePkg/Include/Guid/VariableFormat.h (AUTHENTICATED_VARIABLE_HEADER); UEFI specification 2.10, 8.2
(GetVariable), 32.4.1 (EFI_SIGNATURE_LIST).
"""

from __future__ import annotations

import struct
import uuid

_AUTHENTICATED = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
"""What a store of such variables begins with."""
_GLOBAL, _DATABASE = (
    uuid.UUID(text).bytes_le
    for text in ("8be4df61-93ca-11d2-aa0d-00e098032b8c", "d719b2cb-3d3a-4596-a3bc-dad00e67656f")
)
_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
_OWNER = uuid.UUID("8d1b6a5c-7b5e-4f0e-9d59-3f6f6d0f2a11").bytes_le
"""Any will do."""
_ATTRIBUTES = 0x27
"""Kept, for boot services and for the system, changed by who has the key alone."""
_START, _ADDED = 0x55AA, 0x3F
_TIME = struct.pack("<H6BIhBB", 2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)


def with_certificate(empty: bytes, certificate: bytes) -> bytes:
    """``empty`` variables with a certificate (DER) as platform key, key exchange key and in the database.

    Raises ValueError if there are no variables that could have it.
    """
    start = empty.index(_AUTHENTICATED)
    [size] = struct.unpack_from("<I", empty, start + 16)
    known = _signature_list(certificate)
    names = (("PK", _GLOBAL), ("KEK", _GLOBAL), ("db", _DATABASE))
    added = b"".join(_variable(name, vendor, known) for name, vendor in names)
    place = start + 28
    if len(added) > size - 28 or empty[place : place + len(added)] != b"\xff" * len(added):
        raise ValueError("there is no room for a certificate")
    return empty[:place] + added + empty[place + len(added) :]


def _signature_list(certificate: bytes) -> bytes:
    size = 16 + len(certificate)
    return _X509 + struct.pack("<III", 28 + size, 0, size) + _OWNER + certificate


def _variable(name: str, vendor: bytes, data: bytes) -> bytes:
    text = f"{name}\0".encode("utf-16-le")
    head = struct.pack("<HBBIQ", _START, _ADDED, 0, _ATTRIBUTES, 0) + _TIME
    found = head + struct.pack("<III", 0, len(text), len(data)) + vendor + text + data
    return found + b"\xff" * (-len(found) % 4)
