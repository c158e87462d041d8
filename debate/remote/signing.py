"""Signatures in minisign's format, made and verified by minisign(1).

A public key is a file of two lines, as written by ``minisign -G -W`` (``-W``: no password, for unattended use).
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

from debate import install
from debate.errors import DebateError
from debate.host.run import run
from debate.text.paths import shown

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
            raise DebateError(
                f"{shown(path)} is not a public key of minisign", "write one with minisign -G", place=str(keys)
            )
    return found


def require_secret_key(path: Path) -> None:
    """Raise DebateError unless ``path`` is a secret key of minisign without a password, for which nobody is asked.

    It is a comment, and on the second line the base64 of ``Ed``, what made a key of the password, ``B2`` and 152 bytes.
    """
    try:
        key = _second_line(path)
    except (OSError, ValueError):
        key = b""
    if len(key) != 158 or key[:2] != b"Ed" or key[4:6] != b"B2":
        raise DebateError(f"{shown(path)} is not a secret key of minisign", "write one with minisign -G -W")
    if key[2:4] != b"\0\0":
        raise DebateError(f"{shown(path)} has a password", "write one without, with minisign -G -W")


def _second_line(path: Path) -> bytes:
    """The base64 in a file of minisign, decoded. Raises OSError and ValueError."""
    if not path.is_file():
        raise ValueError("no file")  # It may never end.
    with path.open("rb") as file:
        _, _, rest = file.read(_KEY_BYTES).partition(b"\n")
    return base64.b64decode(rest.partition(b"\n")[0].rstrip(b"\r"), validate=True)


def _is_key(path: Path) -> bool:
    try:
        return bool(_number(path))
    except (OSError, ValueError):
        return False


def _number(path: Path) -> str:
    """The number of a public key, as minisign writes it. Raises OSError, and ValueError for another file.

    A key is a comment, and on the second line the base64 of ``Ed``, 8 bytes of the number and 32 bytes of the key.
    """
    key = _second_line(path)
    if len(key) != 42 or key[:2] != b"Ed":
        raise ValueError("not a public key")
    return key[2:10][::-1].hex().upper()


def signer(statement: bytes, signature: str, keys: Path) -> str:
    """The number of the public key (see `public_keys`) that has signed ``statement``; empty if none of them has.

    It is that of the key's own file: what a signature says of itself is not believed. Raises DebateError if there is no
    key, or minisign is not installed, and ValueError for a signature that is no text.
    """
    found = public_keys(keys)
    if shutil.which("minisign") is None:
        raise DebateError("not installed", install("minisign"), place="minisign")
    with tempfile.TemporaryDirectory(prefix="debate-sign-") as name:
        message, file = Path(name, "statement"), Path(name, "signature")
        message.write_bytes(statement)
        file.write_bytes(signature.encode())
        return next((_number(key) for key in found if _verify(key, message, file)), "")


def _verify(key: Path, message: Path, signature: Path) -> bool:
    try:
        run(["minisign", "-V", "-q", "-p", str(key), "-m", str(message), "-x", str(signature)])
    except DebateError:
        return False
    return True
