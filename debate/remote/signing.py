"""Signatures in minisign's format, made and verified by minisign(1).

A public key is a file of two lines, as written by ``minisign -G -W`` (``-W``: no password, for unattended use).
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

from debate.errors import DebateError
from debate.host.run import run

_KEY_BYTES = 4096
"""Of a public key's file, as many are read."""


def sign(statement: bytes, secret: Path, comment: str) -> str:
    """Sign ``statement`` together with ``comment``. Returns the signature. Raises DebateError."""
    with tempfile.TemporaryDirectory(prefix="debate-sign-") as name:
        message, signature = Path(name, "statement"), Path(name, "signature")
        message.write_bytes(statement)
        run(["minisign", "-S", "-s", str(secret), "-m", str(message), "-x", str(signature), "-t", comment])
        return signature.read_text()


def public_keys(keys: Path) -> list[Path]:
    """The files with public keys. ``keys``: one of them, or a directory of ``*.pub``.

    Raises DebateError if there is none, or one that is not a key: who is trusted must not depend on what is ignored.
    """
    found = sorted(keys.glob("*.pub")) if keys.is_dir() else [keys]
    if not found:
        raise DebateError("contains no public key (*.pub)", "put minisign's public keys there", place=str(keys))
    for path in found:
        if not _is_key(path):
            raise DebateError(f"{path} is not a public key of minisign", "write one with minisign -G", place=str(keys))
    return found


def _is_key(path: Path) -> bool:
    """True for a comment, and the base64 of ``Ed``, 8 bytes of identity and 32 bytes of the key."""
    try:
        with path.open("rb") as file:
            lines = file.read(_KEY_BYTES).splitlines()
        return len(lines) > 1 and len(key := base64.b64decode(lines[1], validate=True)) == 42 and key[:2] == b"Ed"
    except (OSError, ValueError):
        return False


def is_signed(statement: bytes, signature: str, keys: Path) -> bool:
    """True if one of the public keys (see `public_keys`) has signed ``statement``.

    Raises DebateError if there is no key, or minisign is not installed.
    """
    found = public_keys(keys)
    if shutil.which("minisign") is None:
        raise DebateError("not installed", "run ./setup", place="minisign")
    with tempfile.TemporaryDirectory(prefix="debate-sign-") as name:
        message, file = Path(name, "statement"), Path(name, "signature")
        message.write_bytes(statement)
        file.write_text(signature)
        return any(_verify(key, message, file) for key in found)


def number(signature: str) -> str:
    """The number of the key that made a valid ``signature``, as minisign writes it. Raises ValueError or IndexError."""
    return base64.b64decode(signature.splitlines()[1])[2:10][::-1].hex().upper()


def _verify(key: Path, message: Path, signature: Path) -> bool:
    try:
        run(["minisign", "-V", "-q", "-p", str(key), "-m", str(message), "-x", str(signature)])
    except DebateError:
        return False
    return True
