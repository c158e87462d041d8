"""What a hostile author leaves where a file is expected."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

SECRET = "secret-of-the-host"  # noqa: S105 - what no test may find anywhere
HUGE = 1 << 40
"""Bytes of a sparse file."""


def secret(directory: Path) -> Path:
    """A file of the host outside of what is foreign, which only root can read."""
    path = directory / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(path.parent):  # The path could be too long.
        listener.bind(path.name)


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, HUGE)


def _chain(path: Path) -> None:
    path.with_name("chain").symlink_to("../secret")
    path.symlink_to("chain")


def _below(path: Path) -> None:
    path.with_name("up").symlink_to("..")
    path.symlink_to("up/secret")


def hard_link(path: Path) -> None:
    """Link the `secret`, which is above, to a directory of another user, as where the kernel does not protect it."""
    os.chown(path.parent, 1001, 1001)
    os.link(next(file for above in path.parents if (file := above / "secret").is_file()), path)


NOT_FILES: dict[str, Callable[[Path], None]] = {
    "an absolute link": lambda path: path.symlink_to(path.parent.parent / "secret"),
    "a link that leads out": lambda path: path.symlink_to("../secret"),
    "a link to a link that leads out": _chain,
    "a link below a link": _below,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to zeros without end": lambda path: path.symlink_to("/dev/zero"),
    "a link to the terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link through /proc": lambda path: path.symlink_to(f"/proc/self/root{path.parent.parent}/secret"),
    "a link to standard input": lambda path: path.symlink_to("/proc/self/fd/0"),
    "a named pipe": os.mkfifo,
    "a socket": _socket,
    "a device": lambda path: os.mknod(path, 0o020666, os.makedev(1, 5)),
    "a directory": Path.mkdir,
    "a huge file": _huge,
}
"""What it is -> what makes it at a path, whose parent's parent has the `secret`."""
