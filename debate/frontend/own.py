"""doit's own commands, such as `doit list`, with messages for people."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from doit.action import PythonAction
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

from debate.commands.command import commands
from debate.errors import DebateError
from debate.frontend import completion
from debate.frontend.database import Database
from debate.host.ours import require_writable
from debate.steps.rules import rules
from debate.text.paths import shown
from debate.text.printable import printable, quoted
from debate.text.suggest import closest


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
        with refusing(self):
            return super().parse_execute(in_args)  # type: ignore[misc]


@contextmanager
def refusing(command: Any) -> Iterator[None]:
    """What doit refuses of the words after ``command``, refused in one line and with a suggestion."""
    loader = command.loader
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


def _refusal(error: CmdParseError, refusing_: Any) -> CmdParseError:
    """``error`` without the declarations of all options, which doit's own message contains."""
    unknown, command = getattr(error.__context__, "msg", ""), refusing_.name
    if match := _NO_NUMBER.search(str(error)):
        return CmdParseError(f"option {match[1]}: not a whole number; doit help {command} lists doit's options")
    if not unknown:
        return CmdParseError(_one_line(str(error)))
    if command != "run" and "--format " in unknown:
        return CmdParseError(f"{command}: --format is for tasks only; {command} is a command of doit and prints text")
    given = f"--{getattr(error.__context__, 'opt', '')}"
    known = [f"--{option.long}" for option in refusing_.cmdparser.options if option.long]
    near = closest(given, known) if len(given) > len("--x") else None
    like = f"did you mean {near}?" if near else f"known: {', '.join(known)};"
    return CmdParseError(f"{_one_line(unknown)}; {like} doit help {command} explains them")


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
        self.plain = not (args or params["quiet"] or params["template"] or params["subtasks"])
        return super().execute(params, args)

    plain = False
    """True if all tasks are shown, and to people: what they call by name apart from steps, which these run."""

    def _list_all(self, include_subtasks: bool) -> Any:
        """Show the tasks of each kind, and leave none to doit, if this is for people."""
        found = super()._list_all(include_subtasks)
        if not self.plain:
            return found
        called = {*commands(), *(rule.name for rule in rules().values() if rule.usage)}
        kinds = {
            "Commands": [task for task in found if task.name in called],
            "Steps, which commands run": [task for task in found if task.name in rules() and task.name not in called],
            "Tasks of dodo.py": [task for task in found if task.name not in {*called, *rules()}],
        }
        width = max(len(task.name) for task in found) + 2
        for kind, tasks in kinds.items():
            if tasks:
                lines = [f"  {task.name:<{width}}{task.doc}".rstrip() for task in sorted(tasks)]
                self.outstream.write("\n".join([kind, *lines, ""]))
        return []


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


def _kept(action: Callable[..., Any], failed: list[OSError]) -> Callable[..., Any]:
    """``action``, whose error is added to ``failed``: doit would show its traceback, and end as if all were well."""

    @functools.wraps(action)
    def kept(*words: Any, **more: Any) -> Any:
        try:
            return action(*words, **more)
        except OSError as error:
            failed.append(error)
            return None

    return kept


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
        failed: list[OSError] = []
        for action in (each for task in tasks for each in task.clean_actions if isinstance(each, PythonAction)):
            action.py_callable = _kept(action.py_callable, failed)
        try:
            super().clean_tasks(tasks, dryrun, cleanforget)
            if failed:
                raise failed[0]
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
    """`doit tabcompletion`, which knows profiles."""

    cmd_options = (
        {
            "name": "shell", "short": "s", "long": "shell", "type": str, "default": "bash",
            "choices": tuple((name, "") for name in completion.SHELLS),
            "help": "the shell: bash, zsh or fish [default: %(default)s]",
        },
    )  # fmt: skip

    def execute(self, params: Any, args: list[str]) -> Any:
        """Print the script."""
        _no_names(self.name, args)
        sys.stdout.write(completion.SHELLS[params["shell"]]())


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
