"""Files, directories and links that will be in a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debate import keys
from debate.deferred import frozen


@frozen
class Entry:
    """A file, directory or symbolic link as it will be in the system, wherever its source is."""

    path: str
    """Absolute, in the system."""
    type: str
    """``file``, ``directory`` or ``link``."""
    mode: str = "0644"
    """Octal digits, with setuid, setgid and sticky bits."""
    owner: str = "root"
    """A name or number."""
    group: str = "root"
    digest: str = ""
    """Digest of a file's content."""
    target: str = ""
    """Target of a link."""

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Entry:
        return cls(**fields)


Contents = Mapping[str, bytes | Path]
"""Digest -> content, or a file that had this content when it was read."""


def text_entry(path: str, text: str, **more: str) -> tuple[Entry, bytes]:
    """A file with ``text`` as content, and its bytes."""
    data = text.encode()
    return Entry(path, "file", digest=keys.sha256(data), **more), data


@frozen
class Made:
    """A file, link or directory that a field of a profile makes."""

    field: str
    """Empty for what the profile's own file may replace, since the field says something else."""
    entry: Entry
    content: bytes = b""
