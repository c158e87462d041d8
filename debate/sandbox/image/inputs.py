"""Create /run/in and /run/step, which a sandbox sees read-only and owned by nobody."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from debate.cache.store import Store
from debate.model import Step, Supplies
from debate.sandbox.image import tar

_WRITTEN, _CACHED, _SCRIPT = 0o555, 0o444, 0o644
"""Modes of files that are written here, including hooks; of cached files, as in the store; and of scripts."""


def lay_out(directory: Path, step: Step, supplies: Supplies, store: Store) -> None:
    """Create ``directory`` with the parameters, trees and inputs of ``step`` and the supplies of this host.

    Cached files are hard links, or copies if the file system does not support links. Raises OSError, and DebateError
    if a file of a tree has changed since it was read.
    """
    directory.mkdir()
    for name, data in {**step.parameters, **supplies.files}.items():
        path = _place(directory, name)
        path.write_bytes(data)
        path.chmod(_WRITTEN)
    for name, entries in step.trees.items():
        path = _place(directory, name)
        with path.open("wb") as file:
            tar.pack(entries, supplies.contents, step.epoch, file)
        path.chmod(_WRITTEN)
    for name, artifact in {**step.inputs, **supplies.inputs}.items():
        path, cached = _place(directory, name), store.path(artifact)
        try:
            os.link(cached, path)
        except OSError:
            with path.open("xb") as file:
                store.copy(artifact, file)
            path.chmod(_CACHED)
    _open_up(directory)


def lay_out_scripts(directory: Path, scripts: Path, names: Iterable[str]) -> None:
    """Create ``directory`` with the files ``names`` of ``scripts``, and no others. Raises OSError."""
    directory.mkdir()
    for name in names:
        path = _place(directory, name)
        shutil.copyfile(scripts / name, path)
        path.chmod(_SCRIPT)
    _open_up(directory)


def _open_up(directory: Path) -> None:
    for name, _, _ in os.walk(directory):
        Path(name).chmod(0o755)


def _place(directory: Path, name: str) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
