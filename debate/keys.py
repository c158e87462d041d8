"""Digests, keys and the epoch. Pure functions.

SHA-256 identifies content. The fast hash with which `debate.frontend.checker` detects changes never does.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

FORMAT = 1
"""Part of every key. Increase it when the meaning of keys changes."""

EPOCH_START = 946_684_800
"""2000-01-01T00:00:00Z, in seconds since 1970."""
EPOCH_RANGE = 631_152_000
"""Twenty years in seconds. The result must be in the past, since mksquashfs clamps only later times."""


def canonical(value: Any) -> bytes:
    """Canonical JSON of ``value``: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


_PREFIX = "sha256:"
DIGEST = f"{_PREFIX}[0-9a-f]{{64}}"
"""A regular expression for a digest as `digest` writes it."""


def digest(hex_digits: str) -> str:
    """The SHA-256 with these 64 hex digits as a digest: ``sha256:HEX``, the form OCI uses and the only one here.

    Tools and files of others have the digits alone: see `digits`.
    """
    return f"{_PREFIX}{hex_digits}"


def digits(digest_: str) -> str:
    """The 64 hex digits of a digest."""
    return digest_.removeprefix(_PREFIX)


def is_digest(text: object) -> bool:
    """True for a text that matches `DIGEST`."""
    return isinstance(text, str) and re.fullmatch(DIGEST, text) is not None


def is_key(text: object) -> bool:
    """True for 64 hex digits as `key` returns them."""
    return isinstance(text, str) and is_digest(digest(text))


def sha256(data: bytes) -> str:
    """The digest of ``data``."""
    return digest(hashlib.sha256(data).hexdigest())


def sha256_file(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as file:
        return digest(hashlib.file_digest(file, "sha256").hexdigest())


def sha512_file(path: Path) -> str:
    """The SHA-512 of a file's content, 128 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def config_hash(values: Any) -> str:
    """64 hex digits that identify a normalised config, given as JSON values."""
    return digits(sha256(canonical(values)))


def key(value: Any) -> str:
    """64 hex digits that identify ``value`` and the format of keys."""
    return hashlib.sha256(canonical({"format": FORMAT, "value": value})).hexdigest()


def epoch(hex_digest: str) -> int:
    """A time from 2000 to 2019, in seconds since 1970, derived from the first 16 hex digits of a hash.

    It is used as SOURCE_DATE_EPOCH: https://reproducible-builds.org/specs/source-date-epoch/.
    """
    return EPOCH_START + int(hex_digest[:16], 16) % EPOCH_RANGE
