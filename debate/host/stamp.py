"""One stamp for all of debate's code, on which every step depends.

A changed stamp costs each step a lookup by its key, but no sandbox: all code that can affect a result is in the key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from debate import INSIDE


@cache
def stamp(*directories: Path) -> str:
    """The xxh3-128, in hex, of the names and contents of all files below ``directories``.

    Hidden files, bytecode, backups of editors, sockets and the like do not count. Symbolic links are followed, except
    into a directory that contains them.
    """
    import xxhash

    digest = xxhash.xxh3_128()
    for number, directory in enumerate(directories):
        for name, path in sorted(_files(str(directory), "", ())):
            digest.update(f"{number}/{name}\0".encode(errors="surrogateescape"))
            data = _content(path)
            digest.update(f"{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def _content(path: str) -> bytes:
    """The content of a file. One that cannot be read, such as a dangling link, counts by its error."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError as error:
        return f"errno {error.errno}".encode()


def _files(directory: str, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Name below the top directory, and path, of each file. ``above``: the paths of the directories above."""
    above = (*above, directory)
    inside = str(INSIDE)
    try:
        entries = list(os.scandir(directory))
    except OSError:
        yield prefix, directory
        return
    for entry in entries:
        if entry.path == inside:
            continue  # Its scripts are given by themselves, wherever they are: the stamp is that of the checkout.
        if entry.name.startswith(".") or entry.name.endswith((".pyc", "~", ".swp")) or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            if not entry.is_symlink() or not _contains(entry.path, above):
                yield from _files(entry.path, f"{prefix}{entry.name}/", above)
        elif entry.is_file() or not os.path.exists(entry.path):
            yield f"{prefix}{entry.name}", entry.path


def _contains(link: str, others: Iterable[str]) -> bool:
    """True if the directory that ``link`` stands for is one of ``others`` or contains one."""
    directory = os.path.realpath(link)
    return any(f"{os.path.realpath(other)}/".startswith(f"{directory}/") for other in others)
