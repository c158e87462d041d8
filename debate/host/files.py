"""Small files that are written atomically, and names that tell which process made them."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

from debate.host import ours
from debate.text import strict_json

_WORKSPACE = re.compile(r"[0-9]{1,20}-[0-9]{1,20}-[0-9]{1,20}-[A-Za-z0-9_.-]{1,100}")
"""The form of the names that `workspace_name` makes."""
_numbers = itertools.count(1)
_UNFINISHED = "unfinished"


def _started(process: int) -> str:
    """Start time of a process, in clock ticks since boot; see proc_pid_stat(5), field 22."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]


def workspace_name(label: str) -> str:
    """A unique name for a workspace, from which `is_builder_alive` can tell its builder."""
    process = os.getpid()
    return f"{process}-{_started(process)}-{next(_numbers)}-{label}"


def is_workspace_name(name: str) -> bool:
    """True for a name of the form that `workspace_name` makes, which is also one for any command or pattern."""
    return _WORKSPACE.fullmatch(name) is not None


def is_builder_alive(name: str) -> bool:
    """True if the process that made the workspace ``name`` still runs on this machine."""
    process, started, *_ = [*name.split("-"), "", ""]
    try:
        return process.isascii() and process.isdigit() and _started(int(process)) == started
    except OSError:
        return False


def read_object(path: Path, shape: Any = None) -> dict[str, Any]:
    """The JSON object in a file of ours; empty if it is missing, damaged or not of the type ``shape``.

    Fields that a TypedDict as ``shape`` does not declare are kept.
    """
    try:
        return load_object(path, shape)
    except (OSError, ValueError):
        return {}


def load_object(path: Path, shape: Any = None) -> dict[str, Any]:
    """The same. Raises OSError or ValueError where that is empty."""
    value = strict_json.decode(ours.read(path), strict_json.MOST_OF_RECORD)
    if shape is not None and not fits(value, shape):
        raise ValueError("of another shape")
    return value


def fits(value: Any, shape: Any) -> bool:
    """True if the JSON ``value`` is of the type ``shape``."""
    import msgspec

    try:
        msgspec.convert(value, shape)
    except (RecursionError, msgspec.ValidationError):
        return False
    return True


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that readers see either the old or the new content, never a part."""
    ours.make_directory(path.parent)
    replace_file(path, temporary_beside(path), data, 0o644, sync=False)


def temporary_beside(path: Path) -> Path:
    """A temporary name for a file that will become ``path``; `sweep` finds it if its writer was killed."""
    return path.with_name(f".{path.name}.{workspace_name(_UNFINISHED)}")


def sweep(directory: Path) -> None:
    """Remove temporary files of killed processes below ``directory``."""
    for path in directory.rglob(f".*-{_UNFINISHED}"):
        if not is_builder_alive(path.name.rpartition(".")[2]):
            path.unlink(missing_ok=True)


def new_file(path: Path, mode: int = 0o600) -> BinaryIO:
    """A new file to write and read. What is in its place is removed before; no link is followed. Raises OSError."""
    path.unlink(missing_ok=True)  # Of a process with the same number in another container.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(file, mode)  # whatever the umask is
    return os.fdopen(file, "w+b")


def replace_file(path: Path, temporary: Path, data: bytes, mode: int, *, sync: bool) -> None:
    """Write ``path`` by way of ``temporary``, which nobody else can open. Raises OSError."""
    try:
        with new_file(temporary) as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        ours.move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
