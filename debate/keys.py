"""Names by content: digests, keys and the epoch. Pure functions.

SHA-256 is identity here. The quick hash that decides whether a file changed (`debate.frontend.checker`)
never names anything.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FORMAT = 1
"""Part of every key. Raise it when what a key stands for changes."""

EPOCH_START = 946_684_800
"""2000-01-01T00:00:00Z, in seconds since 1970."""
EPOCH_RANGE = 631_152_000
"""Twenty years in seconds. The result must lie in the past: mksquashfs clamps later times only."""


def canonical(value: Any) -> bytes:
    """JSON of ``value`` with one spelling: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(data: bytes) -> str:
    """The digest of ``data`` as ``sha256:HEX``, the form OCI uses."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def sha256_file(path: Path) -> str:
    """The digest of a file's content as ``sha256:HEX``."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def sha512_file(path: Path) -> str:
    """The SHA-512 of a file's content, 128 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def key(value: Any) -> str:
    """64 hex digits that stand for ``value`` and the format of keys."""
    return hashlib.sha256(canonical({"format": FORMAT, "value": value})).hexdigest()


def epoch(hex_digest: str) -> int:
    """A moment from 2000 to 2019, in seconds since 1970, from the first 16 hex digits of a hash.

    See https://reproducible-builds.org/specs/source-date-epoch/ for what it is used for.
    """
    return EPOCH_START + int(hex_digest[:16], 16) % EPOCH_RANGE
