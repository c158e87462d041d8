"""Copies the outputs of a sandbox, and hashes them meanwhile. They come from untrusted code."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import select
import stat
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from debate import keys
from debate.host.copying import send
from debate.model import Artifact
from debate.sandbox.known_parts import Finder
from debate.text import amounts

_PIPE = 1 << 20
"""Size in bytes, the maximum for a pipe of an unprivileged user; see pipe(7)."""


def take(
    argv: Sequence[str], target: Path, most: int, enter: Callable[[], None], finder: Finder | None = None
) -> tuple[int, Artifact]:
    """Run a command and write its standard output to ``target``. ``enter`` is called in its process first.

    Whenever the command pauses, the file is synced, unless a ``finder`` takes it apart, too: then it can be made again,
    if known files are found in it.
    Returns the command's exit status and the output. Raises OSError for more than ``most`` bytes.
    """
    digest, size, synced = hashlib.sha256(), 0, True
    target.parent.mkdir(parents=True, exist_ok=True)
    source, end = os.pipe()
    with contextlib.suppress(OSError):  # This is only an optimisation.
        fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, _PIPE)
    with (
        open(source, "rb", buffering=0) as reader,
        target.open("wb") as writer,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=end, preexec_fn=enter) as process,
    ):
        os.close(end)
        waiting = select.poll()  # Unlike select(2), it takes any number of a descriptor.
        waiting.register(reader, select.POLLIN)
        try:
            while True:
                if not synced and not waiting.poll(50):
                    _sync(writer)
                    synced = True
                chunk = reader.read(_PIPE)
                if not chunk:
                    break
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                digest.update(chunk)
                writer.write(chunk)
                if finder:
                    finder.feed(chunk)
                else:
                    synced = False
            if not synced:
                _sync(writer)
        except BaseException:
            process.kill()  # It would wait forever for a reader.
            raise
    return process.returncode, Artifact(keys.digest(digest.hexdigest()), size)


def _too_large(most: int) -> OSError:
    return OSError(f"larger than {amounts.exact(most)} (DEBATE_BYTES)")


def sync(path: Path) -> None:
    """Have a file on the disk before its name is. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def copy(directory: Path, name: str, target: Path, most: int) -> Artifact:
    """Copy the file ``name`` in ``directory`` to ``target``.

    Raises OSError for more than ``most`` bytes, also if they are a hole, which takes no space in ``directory``, and if
    it is not a regular file.
    """
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    finally:
        os.close(parent)
    with open(source, "rb", buffering=0) as reader:
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        if found.st_size > most:
            raise _too_large(most)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Nothing runs inside any more, so the copy and the digest, made in parallel, are of the same bytes.
        with target.open("wb", buffering=0) as writer, ThreadPoolExecutor(1) as pool:
            copying = pool.submit(_copy, source, writer.fileno(), found.st_size)
            digest = hashlib.file_digest(reader, "sha256")
            copying.result()
    return Artifact(keys.digest(digest.hexdigest()), found.st_size)


def _copy(source: int, target: int, size: int) -> None:
    send(source, target, size)
    os.fsync(target)
