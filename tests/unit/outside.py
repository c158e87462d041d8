"""What someone may put in the place of a file or a directory of ours, to have root do something elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def _file(path: Path, _: Path) -> None:
    path.write_bytes(b"{")


def _directory(path: Path, elsewhere: Path) -> None:
    """With links in it."""
    path.mkdir()
    (path / "link").symlink_to(elsewhere)
    (path / "lock").symlink_to(elsewhere / "file")
    (path / f"{path.name}.json").symlink_to(elsewhere / "file.json")


def _relative(path: Path, elsewhere: Path) -> None:
    path.symlink_to(os.path.relpath(elsewhere, path.parent))


def _twice(path: Path, elsewhere: Path) -> None:
    """By way of another link."""
    beside = elsewhere.with_name("beside")
    if not os.path.lexists(beside):
        beside.symlink_to(elsewhere)
    path.symlink_to(beside)


KINDS: dict[str, Callable[[Path, Path], None]] = {
    "a link": lambda path, elsewhere: path.symlink_to(elsewhere),
    "a relative link": _relative,
    "a link to a link": _twice,
    "a link to a file": lambda path, elsewhere: path.symlink_to(elsewhere / "file"),
    "a link to nothing": lambda path, elsewhere: path.symlink_to(elsewhere / "missing"),
    "a file": _file,
    "a pipe": lambda path, _: os.mkfifo(path),
    "a directory": _directory,
}
"""Each makes one at a path, which may lead to the directory ``elsewhere``."""


def fill(directory: Path) -> None:
    """Make a directory with files such as root has, and such as debate looks for."""
    for name in ("file", "file.json", "lock", "dir/sub/file", "dir/config.json"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(name)


def aged(directory: Path) -> Path:
    """The same directory, in which all is old, so that whoever removes what is old removes it."""
    fill(directory)
    for path in (directory, *directory.rglob("*")):
        os.utime(path, (1, 1), follow_symlinks=False)
    return directory


def state(directory: Path) -> dict[str, tuple[object, ...]]:
    """All that is in a directory: kinds, modes, owners, times, content. No link is followed."""
    found = {}
    for path in (directory, *sorted(directory.rglob("*"))):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        target = os.readlink(path) if path.is_symlink() else ""
        found[str(path)] = (status.st_mode, status.st_uid, status.st_ino, status.st_mtime_ns, content, target)
    return found
