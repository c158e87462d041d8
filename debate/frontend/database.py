"""doit's database: which files each task read, and what it saved, when it last ran.

Nothing in it is needed. A database that cannot be read is put aside, and one that cannot be written is forgotten: the
next run then looks every step up again. A file that the user named (--db-file) is only used, and neither put aside nor
given another mode: it may be anything.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from doit.dependency import DatabaseException, SqliteDB
from doit.exceptions import InvalidDodoFile

from debate.errors import DebateError, Place, Problem
from debate.host.ours import put_aside, why_not_ours
from debate.text import strict_json
from debate.text.paths import shown

if TYPE_CHECKING:
    import sqlite3

_T = TypeVar("_T")
NAME = ".doit.db"
"""Name of debate's own database, in the output directory."""
_MEMORY = ":memory:"
_COMPANIONS = ("", "-journal", "-wal", "-shm")
"""What follows the name of a database in the names of its files."""
_SOUND = {5: "busy", 6: "locked", 8: "read-only", 10: "unreadable", 13: "on a full disk"}
"""Errors that do not mean that a database is damaged: https://sqlite.org/rescode.html."""


class Database(SqliteDB):  # type: ignore[misc]
    """doit's backend for SQLite, which survives whatever is in its place."""

    desc = "SQLite (the default of debate)"
    own = ""
    """The path of debate's own database. Any other is a file that the user named."""
    _conn: sqlite3.Connection

    def __init__(self, name: str, codec: Any, *, module_name: Any = None) -> None:
        fact = "" if name == _MEMORY else _misplaced(Path(name))
        if fact and not _put_aside(Path(name), fact):
            name = _MEMORY
        if name == Database.own and name != _MEMORY:
            _keep_private(Path(name))
        super().__init__(name, codec, module_name=module_name)

    def _sqlite3(self, name: str) -> sqlite3.Connection:
        import sqlite3

        def connect() -> sqlite3.Connection:
            try:
                connection: sqlite3.Connection = SqliteDB._sqlite3(self, name)
            except DatabaseException as error:
                raise error.__context__ or error from None  # doit says what to delete by hand.
            try:
                columns = [column["name"] for column in connection.execute("pragma table_info(doit)")]
                if columns != ["task_id", "task_data"]:
                    raise sqlite3.DatabaseError("another table")
            except BaseException:
                connection.close()
                raise
            return connection

        try:
            return connect()
        except sqlite3.Error as error:
            if not self._is_sound(error) and _put_aside(Path(name), "is damaged"):
                with contextlib.suppress(sqlite3.Error):
                    return connect()
            name = _MEMORY
            return connect()

    def _get_task_data(self, task_id: str) -> dict[str, Any]:
        import sqlite3

        try:
            row = self._conn.execute(
                "select cast(task_data as blob) as data from doit where task_id=?", (task_id,)
            ).fetchone()
            return checked(row["data"]) if row else {}
        except sqlite3.Error as error:
            self._give_up(error)
            return {}

    def rows(self) -> list[tuple[str, str]]:
        """Each task, and the JSON of what is known about it, sorted."""
        select = "select task_id, cast(task_data as text) as data from doit"
        found = self._tried(lambda: self._conn.execute(select).fetchall())
        return sorted((str(row["task_id"]), str(row["data"])) for row in found or ())

    def in_(self, task_id: str) -> bool:
        """True if something is known about the task."""
        return bool(self._tried(lambda: SqliteDB.in_(self, task_id)))

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        self._tried(lambda: SqliteDB.remove(self, task_id))

    def remove_all(self) -> None:
        """Forget all tasks."""
        self._tried(lambda: SqliteDB.remove_all(self))

    def dump(self) -> None:
        """Write, and close the database."""
        self._tried(lambda: SqliteDB.dump(self))
        self._conn.close()

    def _tried(self, action: Callable[[], _T]) -> _T | None:
        """The result of ``action``; if it fails, that of doing it again with an empty database."""
        import sqlite3

        try:
            return action()
        except sqlite3.Error as error:
            self._give_up(error)
            return action()

    def _give_up(self, error: sqlite3.Error) -> None:
        """Continue with an empty database: in a file if the old one was damaged, else in memory."""
        self._conn.close()
        if self._is_sound(error):
            self._conn = self._sqlite3(_MEMORY)
        else:
            _put_aside(Path(self.name), "is damaged")
            self._conn = self._sqlite3(self.name)

    def _is_sound(self, error: sqlite3.Error) -> bool:
        """True if the database itself is not damaged; that it is not used is then said."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None or code & 0xFF not in _SOUND:
            return False
        _say(Path(self.name), f"is {_SOUND[code & 0xFF]}, so this run is not remembered; the next one looks it up")
        return True


def _keep_private(path: Path) -> None:
    """Who can read the file of a database can also lock it (https://sqlite.org/lockingv3.html), so only we can."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    with contextlib.suppress(OSError):
        os.chmod(path, 0o600)


def _misplaced(path: Path) -> str:
    """What is wrong with the files of a database before it is opened; SQLite follows links and waits for pipes."""
    for end in _COMPANIONS:
        file = path.with_name(f"{path.name}{end}")
        try:
            found = os.lstat(file)
        except OSError:
            continue
        if not stat.S_ISREG(found.st_mode):
            return "is no database"
        if found.st_nlink > 1:
            return "has another name, by which others may use it"
        fact = why_not_ours(found, os.stat(path.parent))
        if fact:
            return fact
        if not end and str(path) != Database.own and found.st_size and not _is_sqlite(file):
            return "is no database"
    return ""


def _is_sqlite(path: Path) -> bool:
    """True if a file starts as https://sqlite.org/fileformat.html says; SQLite overwrites a shorter one."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _put_aside(path: Path, fact: str) -> bool:
    """Rename the files of debate's own database, and say so. False if that is not possible.

    Raises InvalidDodoFile, which ends doit's run with a line, for a file of the user.
    """
    if str(path) != Database.own:
        problem = Problem(Place(shown(path)), f"{fact}, and it was named as doit's database", "name a new file")
        raise InvalidDodoFile(str(problem)) from DebateError.of([problem])
    try:
        for end in _COMPANIONS:
            if os.path.lexists(file := path.with_name(f"{path.name}{end}")):
                put_aside(file)
    except OSError as error:
        _say(path, f"{fact}, and it cannot be put aside ({error.strerror}), so this run is not remembered; delete it")
        return False
    _say(path, f"{fact}, so it was put aside; every step is looked up again")
    return True


def _say(path: Path, text: str) -> None:
    """On standard error, since standard output can be JSON lines."""
    sys.stderr.write(f"{shown(path)}: {text}\n")


def checked(data: Any) -> dict[str, Any]:
    """What doit saved about a task, from its JSON; empty unless each value has the type that doit gives it.

    The names are those of `doit.dependency.Dependency`: its own, which end with a colon, and paths of files, whose
    values are those of a checker, such as `debate.frontend.checker.State`.
    """
    try:
        found = strict_json.decode(data)
    except (ValueError, AttributeError):
        return {}
    return found if all(_fits(name, value) for name, value in found.items()) else {}


def _fits(name: str, value: Any) -> bool:
    if name == "deps:":
        return isinstance(value, list) and all(isinstance(file, str) for file in value)
    if name in _OWN:
        return isinstance(value, _OWN[name])
    parts = value if isinstance(value, list) else [value]
    return name == "result:" or all(isinstance(part, int | float | str) for part in parts)


_OWN: Mapping[str, type] = {"_values_:": dict, "checker:": str, "ignore:": str}
