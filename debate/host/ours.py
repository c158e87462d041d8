"""Files and directories that only this program writes: what is in them is believed.

So nobody but root and this user may have written there, whatever the umask was. Anything else is refused as if it were
missing, and replaced or put right when it is written the next time.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from debate.errors import DebateError
from debate.host.beneath import RefusedError, Tree, chunks
from debate.text.paths import shown

MOST = 48 << 20
"""Bytes that are read of a file. The largest are the trees of overlays: see `debate.profile.tree.Room`."""
_DIRECTORY = 0o755
"""Mode of the directories."""
_AGAIN = "run the same command again, which replaces it"


def why_not_ours(found: os.stat_result, directory: os.stat_result) -> str:
    """Why a file or directory, in ``directory``, may be of someone else's making; empty if it is not.

    It may belong to whoever owns its directory, for who owns the checkout may build in it by sudo.
    """
    if found.st_uid not in (directory.st_uid, *trusted()):
        return f"belongs to the user {found.st_uid}"
    return "can be written by everyone" if _is_open(found) or _is_open(directory) else ""


def why_not_to_write(path: Path) -> tuple[str, str]:
    """Why someone else may have put a link into the directory ``path``, or in its place, and a remedy.

    Both are empty if nobody can have, or there is no such directory yet.
    """
    try:
        found, above = os.lstat(path), os.stat(path.parent)
    except (FileNotFoundError, NotADirectoryError):
        return "", ""  # What is no directory is told of itself.
    except OSError as error:
        return unreadable(error)
    if not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no directory"
        return f"is {kind}", "remove it, and set DEBATE_OUTPUT to build elsewhere"
    if found.st_uid not in (above.st_uid, *trusted()):
        return f"belongs to the user {found.st_uid}", "make it your own with chown, or remove it"
    if _is_open(found):
        return "can be written by everyone, so there may be links in it", "run chmod o-w, or remove it"
    # The group of a user of the same number has nobody else in it, as a rule.
    known = found.st_gid in (0, os.getegid(), found.st_uid) or _is_private(found)
    if found.st_mode & stat.S_IWGRP and not known:
        return f"can be written by the group {found.st_gid}, so there may be links in it", "run chmod g-w, or remove it"
    return "", ""


def unreadable(error: OSError) -> tuple[str, str]:
    """Fact and remedy for a file or directory that this user may not look at."""
    return f"cannot be read ({error.strerror})", "run as root"


def require_writable(paths: Iterable[Path]) -> None:
    """Refuse to write to directories, each after those above it, to which `why_not_to_write`. Raises DebateError."""
    for path in paths:
        fact, remedy = why_not_to_write(path)
        if fact:
            raise DebateError(fact, remedy, place=str(Path(shown(path.parent), path.name)))


def trusted() -> tuple[int, ...]:
    """Root, this user, and who became root by sudo(8)."""
    by_sudo = os.environ.get("SUDO_UID", "")
    return (0, os.geteuid(), *([int(by_sudo)] if by_sudo.isascii() and by_sudo.isdigit() else []))


def _is_private(found: os.stat_result) -> bool:
    """True if nobody but the owner is in the group of a file: it is named like that user, as useradd(8) makes it."""
    try:
        user, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def _is_open(found: os.stat_result) -> bool:
    """True if everyone can write to a file, or make, rename and remove what they like in a directory."""
    return bool(found.st_mode & stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX


def read(path: Path, most: int = MOST) -> bytes:
    """The content of a file. Raises OSError: RefusedError if it is no regular file, too large, or not ours."""
    with Tree(path.parent) as tree, tree.open(path.name) as file:
        above = os.lstat(path.parent)
        fact = "is below a link" if stat.S_ISLNK(above.st_mode) else why_not_ours(os.fstat(file.fileno()), above)
        if fact:
            raise RefusedError(1, fact, _AGAIN)
        return b"".join(chunks(file, most))


def is_directory(path: Path) -> bool:
    """True for a directory, but not for a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def make_directory(path: Path) -> None:
    """Make the directory ``path`` and those above it, mode 0755, unless they are there.

    If everyone can write to it, that is put right. Raises OSError.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        make_directory(path.parent)
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
            os.chmod(path, _DIRECTORY)
        return
    if stat.S_ISDIR(found.st_mode) and _is_open(found):
        with suppress(PermissionError):
            os.chmod(path, stat.S_IMODE(found.st_mode) & ~stat.S_IWOTH)


def put_aside(path: Path) -> Path:
    """Rename what is at ``path``, whatever it is, to ``path``.damaged, which is replaced. Raises OSError."""
    target = path.with_name(f"{path.name}.damaged")
    remove(target)
    os.rename(path, target)
    return target


def remove(path: Path) -> None:
    """Remove a file, a link or a directory with all that is in it, if there is one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        shutil.rmtree(path, ignore_errors=True)


def move(path: Path, target: Path) -> None:
    """Rename a file to ``target``. A directory that is in its place is put aside."""
    try:
        os.replace(path, target)
    except IsADirectoryError:
        put_aside(target)
        os.replace(path, target)
