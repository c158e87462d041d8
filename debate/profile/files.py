"""The files in the profiles directory. Whoever writes profiles decides what is there: see `debate.host.beneath`.

Links are followed as long as they stay in that directory.
"""

from __future__ import annotations

import errno
import os
import stat
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path

from debate.host.beneath import RefusedError, Tree
from debate.text.paths import shown

MAX_PROFILE = 1 << 20
"""Bytes of a profile."""
MAX_LOCK = 8 << 20
"""Bytes of a lock file; five thousand packages have less than half of that."""
MAX_FILE = 4 << 20
"""Bytes of a hook or a key."""


class Profiles(Tree):
    """The profiles directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, follow=True, guard=True)
        self.directory = directory

    @cached_property
    def shown(self) -> str:
        """Its path for messages."""
        return shown(self.directory)

    def is_of(self, directory: Path) -> bool:
        """True if this is ``directory``."""
        return directory == self.directory

    def exists(self, path: str) -> bool:
        """See `exists`."""
        return os.path.lexists(f"{self.directory}/{path}")


current: ContextVar[Profiles | None] = ContextVar("current", default=None)
"""What all that is read in a directory is read with, for the time of a visit: see `debate.profile.visit`."""


def opened(directory: Path) -> Profiles:
    """The profiles directory. Raises OSError."""
    now = current.get()
    return now if now is not None and now.is_of(directory) else Profiles(directory)


def read(directory: Path, name: str, limit: int) -> bytes:
    """The content of the file ``name``, of at most ``limit`` bytes. Raises OSError."""
    with opened(directory) as tree:
        return tree.read(name, limit)


def is_file(directory: Path, name: str, limit: int = MAX_PROFILE) -> bool:
    """True if ``name`` is a file of at most ``limit`` bytes, or a link to one in ``directory``."""
    try:
        with opened(directory) as tree:
            found = tree.status(name)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= limit


def exists(directory: Path, name: str) -> bool:
    """True if there is something of this name, whatever it is: reading it tells what is wrong with it."""
    now = current.get()
    return now.exists(name) if now is not None and now.is_of(directory) else os.path.lexists(directory / name)


def refusal(error: OSError) -> tuple[str, str]:
    """What follows the name of a file that cannot be used, and a remedy."""
    if error.errno == errno.EXDEV:
        return "is outside the profiles directory", "move it inside"
    if isinstance(error, RefusedError):
        return str(error.strerror), error.remedy
    return f"cannot be read: {error.strerror}", "make it a file that can be read"
