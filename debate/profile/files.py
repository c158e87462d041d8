"""The files in the profiles directory. Whoever writes profiles decides what is there: see `debate.host.beneath`.

Links are followed as long as they stay in that directory. A profile ``debate/NAME`` is the one that debate ships.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from debate import shipped
from debate.host.beneath import RefusedError, Tree
from debate.text.paths import shown

T = TypeVar("T")

MAX_PROFILE = 1 << 20
"""Bytes of a profile."""
MAX_LOCK = 8 << 20
"""Bytes of a lock file; five thousand packages have less than half of that."""
MAX_FILE = 4 << 20
"""Bytes of a hook or a key."""


SHIPPED = "debate/"
"""What the names of shipped profiles begin with."""


def where(directory: Path, name: str) -> tuple[Path, str]:
    """The directory of the profile ``name``, which profiles in ``directory`` know by it, and its name there."""
    return (shipped("profiles"), name.removeprefix(SHIPPED)) if name.startswith(SHIPPED) else (directory, name)


def relative(directory: Path, path: Path) -> str:
    """``path`` relative to ``directory``; with a / before it, relative to the shipped profiles. Raises ValueError."""
    if path.is_relative_to(directory):
        return str(path.relative_to(directory))
    return f"/{path.relative_to(shipped('profiles'))}"


def absolute(directory: Path, path: str) -> tuple[Path, str]:
    """A directory, and the path in it, of what `relative` returned."""
    return (shipped("profiles"), path[1:]) if path.startswith("/") else (directory, path)


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

    def once(self, _what: str, make: Callable[[], T]) -> T:
        """See `once`."""
        return make()


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


def once(directory: Path, what: str, make: Callable[[], T]) -> T:
    """What ``make`` returns, which depends on files in ``directory`` alone; made once in a visit for each ``what``."""
    with opened(directory) as tree:
        return tree.once(what, make)


def refusal(error: OSError) -> tuple[str, str]:
    """What follows the name of a file that cannot be used, and a remedy."""
    if error.errno == errno.EXDEV:
        return "is outside the profiles directory", "move it inside"
    if isinstance(error, RefusedError):
        return str(error.strerror), error.remedy
    return f"cannot be read: {error.strerror}", "make it a file that can be read"
