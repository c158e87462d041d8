"""Read a tree of files that an overlay copies to the system."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from debate import keys
from debate.entry import Entry
from debate.errors import Place, Problem
from debate.text.paths import shown


def scan(source: Path, target: str, place: Place) -> tuple[list[Entry], dict[str, Path], list[Problem]]:
    """Read the tree at ``source``, which will be ``target`` in the system.

    Modes are those that git stores, so they do not depend on the umask: 0755 if the owner may execute a file, else
    0644; 0755 for directories. Returns the entries sorted by path, the file for each digest, and the problems, all at
    ``place``, where the profile names the tree.
    """
    entries: list[Entry] = []
    contents: dict[str, Path] = {}
    problems: list[Problem] = []

    def problem(path: Path, fact: str, remedy: str) -> None:
        problems.append(Problem(place, f"{shown(path.parent)}/{path.name}: {fact}", remedy))

    pending = [(source, target.rstrip("/"))]
    while pending:
        directory, below = pending.pop()
        try:
            found = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            problem(directory, f"{error.strerror}", "make it readable")
            continue
        for item in found:
            path, file = f"{below}/{item.name}", Path(item.path)
            try:
                item.name.encode()
            except UnicodeEncodeError:
                problem(directory / ascii(item.name), "file name that is not UTF-8", "rename it")
                continue
            mode = item.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                link = os.readlink(file)
                wrong = _outside(path, link, source)
                if wrong:
                    problem(file, f"link to {link!r}, {wrong[0]}", wrong[1])
                entries.append(Entry(path, "link", mode="0777", target=link))
            elif stat.S_ISDIR(mode):
                entries.append(Entry(path, "directory", mode="0755"))
                pending.append((file, path))
            elif stat.S_ISREG(mode):
                try:
                    digest = keys.sha256_file(file)
                except OSError as error:
                    problem(file, f"{error.strerror}", "make it readable")
                    continue
                kept = "0755" if mode & stat.S_IXUSR else "0644"
                entries.append(Entry(path, "file", mode=kept, digest=digest))
                contents[digest] = file
            else:
                problem(file, _kind(mode), "use only files, directories and links in an overlay")
    return sorted(entries, key=lambda entry: entry.path), contents, problems


def _outside(path: str, link: str, source: Path) -> tuple[str, str] | None:
    """Fact and remedy if the target of a link at ``path`` in the system must be a mistake, else None.

    Links are copied as links and never followed, so ``/etc/x`` means the system's own file.
    """
    if link.startswith("/"):
        if Path(link).is_relative_to(source.resolve().parent):
            return "a path on this machine", "link to where the file is in the system"
        return None
    depth = path.count("/") - 1
    for part in link.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return "which is above the root of the system", "link to a path below it"
    return None


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "socket"
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "device node"
