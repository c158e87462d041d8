"""RSA keys and certificates of them, in files as openssl writes them (PEM: RFC 7468).

What reads them is the package cryptography, of the extra `secure-boot`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning

from debate.errors import DebateError

_LEAST = 2048
"""Bits of a key."""
_NEW = "make one of RSA with 2,048 bits or more"


@dataclass(frozen=True)
class Certificate:
    """What a certificate of an RSA key says."""

    pem: bytes
    der: bytes
    modulus: int
    """Of its key."""
    begins: datetime
    ends: datetime


def certificate(data: bytes) -> Certificate:
    """The one certificate in a file. Raises DebateError, without a place, if that is not one of an RSA key."""
    _require_one(
        data, b"CERTIFICATE", "certificate", "openssl x509 writes it in that form", "keep that of the key alone"
    )
    with _readable("certificate"):
        [found] = x509.load_pem_x509_certificates(data)
        key = found.public_key()
        pem, der = found.public_bytes(Encoding.PEM), found.public_bytes(Encoding.DER)
        times = found.not_valid_before_utc, found.not_valid_after_utc
    if not isinstance(key, RSAPublicKey):
        raise DebateError("is not the certificate of an RSA key, and UEFI knows no others", _NEW)
    _require_size(key.key_size)
    return Certificate(pem, der, key.public_numbers().n, *times)


def modulus_of_private(data: bytes) -> int:
    """The modulus of the one private key in a file. Raises DebateError, without a place, if that is not an RSA key."""
    if b"ENCRYPTED" in data:
        raise DebateError("has a password", "write the key without one, with openssl pkey")
    if b"OPENSSH PRIVATE KEY" in data:
        raise DebateError("has a key in the form of ssh", "write it in PEM, with ssh-keygen -p -m PEM")
    remedies = ("openssl pkey writes it in that form", "keep that of the certificate alone")
    _require_one(data, b"PRIVATE KEY", "private key", *remedies)
    with _readable("key"):
        key = load_pem_private_key(data, None)
    if not isinstance(key, RSAPrivateKey):
        raise DebateError("is not an RSA key, and UEFI knows no others", _NEW)
    _require_size(key.key_size)
    return key.public_key().public_numbers().n


def _require_one(data: bytes, kind: bytes, what: str, form: str, alone: str) -> None:
    number = sum(text.partition(b"-----")[0].endswith(kind) for text in data.split(b"-----BEGIN ")[1:])
    if not number:
        raise DebateError(f"has no {what} in PEM", form)
    if number > 1:
        raise DebateError(f"has {number:,} {what}s", alone)


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Raises DebateError for what cannot be read, or by later versions of cryptography no longer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            yield
    except UnsupportedAlgorithm:
        raise DebateError("is not an RSA key, and UEFI knows no others", _NEW) from None
    except (ValueError, TypeError, CryptographyDeprecationWarning):
        raise DebateError(f"has a damaged {what}", "get it again") from None


def _require_size(bits: int) -> None:
    if bits < _LEAST:
        raise DebateError(f"is of an RSA key of {bits:,} bits", _NEW)
