"""doit's own commands, such as `doit list`, with messages for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from doit.cmd_clean import Clean as DoitClean
from doit.cmd_forget import Forget as DoitForget
from doit.cmd_ignore import Ignore as DoitIgnore
from doit.cmd_info import Info as DoitInfo
from doit.cmd_list import List as DoitList
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand

from debate.errors import DebateError
from debate.text.printable import printable


class Own:
    """A mixin: accepts --help, and refuses options in one line."""

    name: str
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
    except InvalidCommand as error:
        if error.not_found is None and isinstance(error.__cause__, DebateError):
            raise  # Its problems have a line each.
        if error.not_found is None:
            raise InvalidCommand(_one_line(str(error))) from error
        raise loader.unknown(error.not_found)  # noqa: B904 - its cause is the problem


def _refusal(error: CmdParseError, command: str) -> CmdParseError:
    """``error`` without the declarations of all options, which doit's own message contains."""
    unknown = getattr(error.__context__, "msg", "")
    if not unknown:
        return CmdParseError(_one_line(str(error)))
    if command != "run" and "--format " in unknown:
        return CmdParseError(f"{command}: --format is for tasks only; {command} is a command of doit and prints text")
    return CmdParseError(f"{_one_line(unknown)}; doit help {command} lists doit's options")


def _one_line(text: str) -> str:
    """doit's message, of which a word with a line break does not make two."""
    return printable(text.rstrip("\n").replace(".\n", ": "))


class List(Own, DoitList):  # type: ignore[misc]
    """`doit list`."""


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


class Forget(Own, DoitForget):  # type: ignore[misc]
    """`doit forget`."""


class Ignore(Own, DoitIgnore):  # type: ignore[misc]
    """`doit ignore`."""
