"""doit's own commands, such as `doit list`, with messages for people."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.cmd_clean import Clean as DoitClean
from doit.cmd_completion import TabCompletion as DoitTabCompletion
from doit.cmd_forget import Forget as DoitForget
from doit.cmd_ignore import Ignore as DoitIgnore
from doit.cmd_info import Info as DoitInfo
from doit.cmd_list import List as DoitList
from doit.cmd_resetdep import ResetDep as DoitResetDep
from doit.cmd_strace import Strace as DoitStrace
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask
from doit.task import Task

from debate.errors import DebateError
from debate.frontend.database import Database
from debate.host.ours import require_writable
from debate.text.paths import shown
from debate.text.printable import printable, quoted


class Backends:
    """A mixin: refuses what is no database in one line, whatever kind --backend names."""

    def get_backends(self) -> dict[str, Any]:
        """Name -> what opens a database of that kind."""
        found = super().get_backends()  # type: ignore[misc]
        return {name: partial(_opened, backend) for name, backend in found.items()}


def _opened(backend: Any, name: str, *words: Any, **more: Any) -> Any:
    directory = os.path.dirname(name) or "."
    if not os.path.isdir(directory):  # Of some kinds only the end of the run would tell.
        fact = f"{quoted(directory)} is no directory, so {quoted(name)} cannot be there"
        raise InvalidCommand(f"{fact}; --db-file names a file in one that is there")
    try:
        return backend(name, *words, **more)
    except (InvalidCommand, InvalidDodoFile):
        raise
    except Exception as error:
        raise InvalidCommand(f"{quoted(name)} is no database of this kind; --db-file names another") from error


class Own(Backends):
    """A mixin: accepts --help, and refuses options in one line."""

    name: str
    doc_usage: str
    loader: Any

    def parse_execute(self, in_args: Sequence[str]) -> Any:
        """Run the command. Returns doit's exit status."""
        if any(word in ("-h", "--help") for word in in_args):
            sys.stdout.write(f"{self.help()}\n")  # type: ignore[attr-defined]
            return 0
        with refusing(self.loader, self.name):
            return super().parse_execute(in_args)  # type: ignore[misc]


@contextmanager
def refusing(loader: Any, command: str) -> Iterator[None]:
    """What doit refuses of the words after ``command``, refused in one line and with a suggestion."""
    try:
        yield
    except CmdParseError as error:
        raise _refusal(error, command) from error
    except (InvalidCommand, InvalidDodoFile, InvalidTask) as error:
        if isinstance(error.__cause__, DebateError):
            raise  # Its problems have a line each.
        not_found = getattr(error, "not_found", None)
        if not_found is None:
            raise type(error)(_one_line(str(error))) from error
        raise loader.unknown(not_found)  # noqa: B904 - its cause is the problem


def _refusal(error: CmdParseError, command: str) -> CmdParseError:
    """``error`` without the declarations of all options, which doit's own message contains."""
    unknown = getattr(error.__context__, "msg", "")
    if match := _NO_NUMBER.search(str(error)):
        return CmdParseError(f"option {match[1]}: not a whole number; doit help {command} lists doit's options")
    if not unknown:
        return CmdParseError(_one_line(str(error)))
    if command != "run" and "--format " in unknown:
        return CmdParseError(f"{command}: --format is for tasks only; {command} is a command of doit and prints text")
    return CmdParseError(f"{_one_line(unknown)}; doit help {command} lists doit's options")


_NO_NUMBER = re.compile(r"Error parsing parameter '([^']+)' <class 'int'>")


def _one_line(text: str) -> str:
    """doit's message, of which a word with a line break does not make two."""
    return printable(text.rstrip("\n").replace(".\n", ": "))


def _no_names(command: str, args: Sequence[str]) -> None:
    if args:
        raise InvalidCommand(f"{command}: takes no names, and {quoted(args[0])} is one; doit help {command}")


class List(Own, DoitList):  # type: ignore[misc]
    """`doit list`."""

    only_groups = False
    """True if no task of a profile is shown, but those that are named."""
    only_names = False
    """True if nothing is shown of a task but its name and description."""

    def execute(self, params: Any, args: list[str]) -> Any:
        """Show the tasks."""
        if params["template"] is not None:
            try:
                params["template"].format(name="", status="", doc="")
            except (LookupError, ValueError, AttributeError, TypeError, MemoryError):
                fact = f"list: {quoted(params['template'])} is no template"
                raise InvalidCommand(f"{fact}; use {{name}}, {{status}} and {{doc}} in it") from None
        self.only_groups = not params["subtasks"]
        self.only_names = not (params["status"] or params["list_deps"])
        return super().execute(params, args)


class Info(Own, DoitInfo):  # type: ignore[misc]
    """`doit info`."""

    def execute(self, params: Any, args: list[str]) -> Any:
        """Show the task ``args[0]``. doit itself ends with a traceback if there is none."""
        try:
            return super().execute(params, args)
        except KeyError as error:
            if error.args != (*args,):
                raise
            raise self.loader.unknown(args[0])  # noqa: B904 - its cause is the problem


class Clean(Own, DoitClean):  # type: ignore[misc]
    """`doit clean`."""

    def clean_tasks(self, tasks: Sequence[Task], dryrun: bool, cleanforget: bool) -> None:
        """Clean ``tasks``, unless someone else may have put a link where debate has the files of one of them."""
        graph = self.loader.namespace.get("GRAPH")
        if graph is not None:
            above = {path for task in tasks for target in task.targets for path in Path(target).parents}
            try:
                require_writable(sorted(path for path in above if path.is_relative_to(graph.settings.output)))
            except DebateError as error:
                raise InvalidDodoFile(str(error)) from error
        try:
            super().clean_tasks(tasks, dryrun, cleanforget)
        except PermissionError as error:
            fact = f"{shown(Path(str(error.filename)))}: cannot be removed ({error.strerror})"
            raise InvalidCommand(f"{fact}; run as root") from error


class Forget(Own, DoitForget):  # type: ignore[misc]
    """`doit forget`."""


class Ignore(Own, DoitIgnore):  # type: ignore[misc]
    """`doit ignore`."""


class ResetDep(Own, DoitResetDep):  # type: ignore[misc]
    """`doit reset-dep`."""


class Strace(Own, DoitStrace):  # type: ignore[misc]
    """`doit strace`."""

    def _execute(self, show_all: bool) -> Any:
        if self.sel_tasks[0] not in {task.name for task in self.task_list}:
            raise self.loader.unknown(self.sel_tasks[0])
        return super()._execute(show_all)


class TabCompletion(Own, DoitTabCompletion):  # type: ignore[misc]
    """`doit tabcompletion`."""

    def execute(self, params: Any, args: list[str]) -> Any:
        """Print the script."""
        _no_names(self.name, args)
        return super().execute(params, args)


class DumpDB(Own, DoitCmdBase):  # type: ignore[misc]
    """`doit dumpdb`, for the database that debate uses; doit's own reads another kind."""

    name = "dumpdb"
    doc_purpose = "show what the database has of each task, as JSON"
    doc_usage = ""
    doc_description = None

    def _execute(self, pos_args: list[str]) -> None:
        _no_names(self.name, pos_args)
        database = self.dep_manager.backend
        if not isinstance(database, Database):
            raise InvalidCommand(f"{self.name}: cannot read this kind of database; leave --backend out")
        for task, text in database.rows():
            self.outstream.write(f"{task} -> {text}\n")
