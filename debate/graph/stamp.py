"""One stamp for all of debate's code, on which every step depends.

A changed stamp costs each step a lookup by its key, but no sandbox: all code that can affect a result is in the key.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def stamp(*directories: Path) -> str:
    """The xxh3-128, in hex, of the names and contents of all files below ``directories``."""
    import xxhash

    digest = xxhash.xxh3_128()
    for number, directory in enumerate(directories):
        for name, path in sorted(_files(str(directory), "")):
            digest.update(f"{number}/{name}\0".encode())
            with open(path, "rb") as file:
                data = file.read()
            digest.update(f"{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def _files(directory: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Name below the top directory, and path, of each file."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path, f"{prefix}{entry.name}/")
            elif not entry.name.endswith((".pyc", "~", ".swp")):
                yield f"{prefix}{entry.name}", entry.path
