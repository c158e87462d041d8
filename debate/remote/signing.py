"""Signatures in minisign's format, made and verified by minisign(1).

A public key is a file of two lines, as written by ``minisign -G -W`` (``-W``: no password, for unattended use).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from debate.errors import DebateError
from debate.host.run import run


def sign(statement: bytes, secret: Path, comment: str) -> str:
    """Sign ``statement`` together with ``comment``. Returns the signature. Raises DebateError."""
    with tempfile.TemporaryDirectory(prefix="debate-sign-") as name:
        message, signature = Path(name, "statement"), Path(name, "signature")
        message.write_bytes(statement)
        run(["minisign", "-S", "-s", str(secret), "-m", str(message), "-x", str(signature), "-t", comment])
        return signature.read_text()


def is_signed(statement: bytes, signature: str, keys: Path) -> bool:
    """True if one of the public keys has signed ``statement``. ``keys``: a file, or a directory of ``*.pub``.

    Raises DebateError if there is no key, or minisign is not installed.
    """
    found = sorted(keys.glob("*.pub")) if keys.is_dir() else [keys]
    if not found:
        raise DebateError("contains no public key (*.pub)", "put minisign's public keys there", place=str(keys))
    if shutil.which("minisign") is None:
        raise DebateError("not installed", "run ./setup", place="minisign")
    with tempfile.TemporaryDirectory(prefix="debate-sign-") as name:
        message, file = Path(name, "statement"), Path(name, "signature")
        message.write_bytes(statement)
        file.write_text(signature)
        return any(_verify(key, message, file) for key in found)


def _verify(key: Path, message: Path, signature: Path) -> bool:
    try:
        run(["minisign", "-V", "-q", "-p", str(key), "-m", str(message), "-x", str(signature)])
    except DebateError:
        return False
    return True
