"""Refuses to run while git has files in the output directory, or in a directory of the cache.

What is there is believed, since this program wrote it: records, results by their keys, doit's database. Whoever commits
such a file would decide what others' builds take for done, and what they send, signed, to a remote. Nobody does that by
accident: both directories are ignored.

Git is asked again only when its index has changed since it was asked last: a note in the output directory says which
one that was, by its inode and the time at which that was written. No commit can bring the right ones.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from debate.errors import DebateError, Place, Problem
from debate.host import ours
from debate.host.files import write_atomically
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.settings import Settings

NOTE = ".git-index"
"""Name of the note in the output directory."""
_MOST = 4096
"""Bytes of the note, and of a file .git."""
_KEPT = (".gitignore", ".gitkeep", "README", "README.md", "CACHEDIR.TAG")
"""Names of files that may be in the output directory and in the cache."""
_NAMED = 3
"""Files that a refusal names."""


def refuse(settings: Settings) -> tuple[Problem, ...]:
    """Raises DebateError if git has such files, or more than can be looked at. Returns what to warn of: that there is a
    repository, and git does not read it.
    """
    try:
        state = _state(settings)
    except DebateError as error:
        return (_unknown(settings, error),)
    note = settings.output / NOTE
    with suppress(OSError):
        if not state or ours.read(note, _MOST) == state:
            return ()
    from debate.commands.logic.revision import TooMuchError, in_index

    try:
        found = sorted(_believed(settings, in_index(settings, (settings.output, settings.cache))))
    except TooMuchError as error:  # Whoever commits can make it so much.
        fact = f"{error.problems[0].fact}: git's index has more than {_of(settings)} may have"
        raise DebateError(fact, "look at what `git ls-files` has there", place=shown(settings.root)) from None
    except DebateError as error:
        return (_unknown(settings, error),)
    if found:
        more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
        fact = (
            f"git has {', '.join(map(shown, found[:_NAMED]))}{more}: what is there is believed, so it must be nobody's"
        )
        raise DebateError(fact, "look at who committed that, and remove it with git rm -r", place=shown(settings.root))
    if ours.is_directory(settings.output):
        with suppress(OSError):
            write_atomically(note, state)
    return ()


def _of(settings: Settings) -> str:
    return " or ".join(shown(place) for place in (settings.output, settings.cache))


def _unknown(settings: Settings, why: DebateError) -> Problem:
    fact = f"{why.problems[0].fact}, so nobody knows whether git has files in {_of(settings)}, which would be believed"
    return Problem(Place(shown(settings.root)), fact, "make `git ls-files` work there")


def _believed(settings: Settings, paths: Iterable[Path]) -> Iterator[Path]:
    """Those of ``paths`` that would be believed. What keeps or describes a directory is not."""
    kept = {place / name for place in (settings.output, settings.cache) for name in _KEPT}
    return (path for path in paths if path not in kept)


def _state(settings: Settings) -> bytes:
    """What changes whenever something else would be found; empty if there is no index of git.

    Raises DebateError if there is a repository that is not asked.
    """
    with suppress(OSError, ValueError):  # ValueError: a file .git may have any bytes.
        if index := _index(settings.root):
            found = os.stat(index)
            if not stat.S_ISREG(found.st_mode):
                return b""
            number = f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_ctime_ns}"
            return os.fsencode(f"{number}\n{index}\n{settings.output}\n{settings.cache}\n")
    return b""


def _index(root: Path) -> str:
    """The path of git's index for the work tree in which ``root`` is; empty if it is in none.

    Raises OSError, and DebateError for a repository that is not asked.
    """
    for directory in (root, *root.parents):
        path = f"{directory}/.git"
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if found.st_uid not in (0, os.geteuid(), os.stat(root).st_uid):
            # A repository around the checkout, such as one in /tmp: its configuration names programs.
            raise DebateError(f"{shown(Path(path))} belongs to somebody else than the checkout, so git is not asked")
        if stat.S_ISDIR(found.st_mode):
            return f"{path}/index"
        if stat.S_ISREG(found.st_mode):  # Of a worktree, or a submodule.
            with open(path, "rb") as file:
                named = os.fsdecode(file.read(_MOST)).removeprefix("gitdir: ").rstrip("\n")
            return os.path.join(directory, named, "index")
    return ""
