"""Complaints of a step's scripts, on a channel separate from their output: the file `PATH` in the sandbox.

It has records of four fields, FIELD VALUE FACT REMEDY, each terminated by a NUL; sandbox/problem.sh writes them. All
code in the sandbox may write there, so this is hostile input. Each command has a file of its own, which nothing inside
can replace, and only that of a command that failed is read; only a limited part of it, and as text for people.
"""

from __future__ import annotations

import re
from pathlib import Path

from debate.errors import Complaint
from debate.sandbox.image.environment import PROBLEMS
from debate.text.printable import printable

PATH = PROBLEMS
_BYTES = 256 << 10
"""Maximum number of bytes that are read."""
_FIELD_BYTES = 4096
_COUNT = 50
_FIELDS = 4
_FIELD = re.compile(r"([a-z][a-z_]{0,63}(\.[a-z][a-z_]{0,63})?)?")
_ADDRESS = re.compile(r"([a-z]+:/[!-~]+)?")
"""The value without a field. It becomes the place of a problem, so it must not look like a file of the profile."""


def read(path: Path) -> tuple[list[Complaint], int]:
    """Read and `parse` the file."""
    with path.open("rb") as file:
        return parse(file.read(_BYTES))


def parse(data: bytes) -> tuple[list[Complaint], int]:
    """The first complaints in ``data``, safe to be shown, and the number of the other records, valid or not."""
    *fields, rest = data.split(b"\0")
    records = [fields[start : start + _FIELDS] for start in range(0, len(fields), _FIELDS)]
    found = [complaint for record in records if (complaint := _complaint(record))]
    unique = list(dict.fromkeys(found))[:_COUNT]
    unread = len(records) - len(found) + bool(rest)
    return unique, unread + max(0, len(set(found)) - _COUNT)


def _complaint(record: list[bytes]) -> Complaint | None:
    if len(record) != _FIELDS or any(len(field) > _FIELD_BYTES for field in record):
        return None
    try:
        field, value, fact, remedy = (printable(part.decode()).strip() for part in record)
    except UnicodeDecodeError:
        return None
    valid = fact and _FIELD.fullmatch(field) and (field or _ADDRESS.fullmatch(value))
    return Complaint(field, value, fact, remedy) if valid else None
