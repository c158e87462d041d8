"""Trees of files on their way into a system, as they are read from disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate import keys


@dataclass(frozen=True)
class Entry:
    """One file, directory or symbolic link, by what it becomes rather than where it lies."""

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
    """The digest of a file's content."""
    target: str = ""
    """Where a link points."""

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Entry:
        return cls(**fields)


Contents = Mapping[str, bytes | Path]
"""Digest -> the bytes, or the file that had them when it was read."""


def text_entry(path: str, text: str, **more: str) -> tuple[Entry, bytes]:
    """A file with ``text`` in it, and its bytes."""
    data = text.encode()
    return Entry(path, "file", digest=keys.sha256(data), **more), data


def scan(source: Path, target: str) -> tuple[list[Entry], dict[str, Path], list[str]]:
    """Read the tree at ``source``, which is to become ``target`` in the system.

    Modes are what git keeps, so that umask does not count: 0755 where the owner may execute, else
    0644; 0755 for directories. Returns entries sorted by path, contents, and problems as text
    (``path: fact; remedy``).
    """
    entries: list[Entry] = []
    contents: dict[str, Path] = {}
    problems: list[str] = []
    pending = [(source, target.rstrip("/"))]
    while pending:
        directory, below = pending.pop()
        try:
            found = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            problems.append(f"{directory}: {error.strerror}; make it readable")
            continue
        for item in found:
            path, where = f"{below}/{item.name}", Path(item.path)
            try:
                item.name.encode()
            except UnicodeEncodeError:
                problems.append(f"{item.path!a}: a file name that is not UTF-8; rename it")
                continue
            kind = item.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(kind):
                link = os.readlink(where)
                problem = _outside(path, link, source)
                if problem:
                    problems.append(f"{where}: a link to {link!r}, {problem}")
                entries.append(Entry(path, "link", mode="0777", target=link))
            elif stat.S_ISDIR(kind):
                entries.append(Entry(path, "directory", mode="0755"))
                pending.append((where, path))
            elif stat.S_ISREG(kind):
                try:
                    digest = keys.sha256_file(where)
                except OSError as error:
                    problems.append(f"{where}: {error.strerror}; make it readable")
                    continue
                mode = "0755" if kind & stat.S_IXUSR else "0644"
                entries.append(Entry(path, "file", mode=mode, digest=digest))
                contents[digest] = where
            else:
                problems.append(f"{where}: {_kind(kind)}; an overlay holds files, directories and links only")
    return sorted(entries, key=lambda entry: entry.path), contents, problems


def _outside(path: str, link: str, source: Path) -> str:
    """Why a link at ``path`` in the system cannot be meant, or an empty string.

    Links are copied as links and never followed: ``/etc/x`` is the system's own.
    """
    if link.startswith("/"):
        if Path(link).is_relative_to(source.resolve().parent):
            return "a place on this machine; link to where the file is in the system"
        return ""
    depth = path.count("/") - 1
    for part in link.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return "which is above the system's root; link to a place below it"
    return ""


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a device node"
