"""`doit TASK …`, with the options -v, --format and --help at any position."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from doit.cmd_run import Run as DoitRun
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask

from debate.commands.command import commands
from debate.errors import DebateError
from debate.frontend import help as help_
from debate.frontend import words as words_module
from debate.frontend.door import Stream, standard_output
from debate.frontend.own import Backends, refusing
from debate.frontend.words import FORMATS, arranged, format_of, run_options_first, without_options_of_rules
from debate.profile import profile_names
from debate.steps.rules import rules, shell_steps

_FORMAT = {
    "name": "format",
    "long": "format",
    "type": str,
    "default": "text",
    "choices": tuple((name, "") for name in FORMATS),
    "help": "what to print: text, github (text with annotations) or json [default: %(default)s]",
}


def _is_profile(word: str) -> bool:
    """True if there is a profile of this name in the workspace, which is the working directory, or a shipped one."""
    return profile_names.is_there(Path("profiles"), word)


class Run(Backends, DoitRun):  # type: ignore[misc]
    """doit's run."""

    doc_purpose = "run tasks; the word run can be omitted"
    cmd_options = (*DoitRun.cmd_options, _FORMAT)
    # What debate configures in DOIT_CONFIG. doit's own default would be shown as that of the run.
    base_options = tuple(
        option if option["name"] != "check_file_uptodate" else {**option, "help": "md5, timestamp [default: xxh3-128]"}
        for option in DoitRun.base_options
    )
    stream: Stream | None = None
    """The stream for JSON lines, if that is the format."""

    def __init__(self, *, cmds: Any = None, **more: Any) -> None:
        super().__init__(cmds=cmds, **more)
        self.cmds = cmds

    def parse_execute(self, in_args: Sequence[str]) -> Any:
        """Run the tasks that the words after `doit` name. Returns doit's exit status."""
        if any(word in ("-h", "--help") for word in in_args):
            words = [word for word in in_args if not word.startswith("-")]
            known = [word for word in words if help_.known(word)]
            own = {"task_loader": self.loader, "config": self.config, "bin_name": self.bin_name, "cmds": self.cmds}
            return help_.Help(**own).parse_execute(known or words)
        try:
            words = run_options_first(in_args)
        except DebateError as error:
            raise InvalidCommand(str(error)) from error
        if format_of(words) != "json":
            return self._arranged(words)
        self.stream = standard_output()
        try:
            return self._arranged(words)
        except Exception as error:
            from debate.frontend.json_lines import JsonLines

            JsonLines(self.stream).refused(error)
            if isinstance(error, (CmdParseError, InvalidCommand, InvalidDodoFile, InvalidTask)):
                return 3
            raise  # A defect: doit shows its traceback on standard error, and exits with 3.

    def execute(self, params: Any, args: list[str]) -> Any:
        """Load the tasks and run the selected ones."""
        if params["num_process"] < 0:  # doit would do nothing.
            raise CmdParseError(f"option -n: {params['num_process']} is no number of tasks; write 0 or more")
        if not isinstance(params["outfile"], str):  # doit's default is standard output as it was before the door.
            params["outfile"] = self.stream or sys.stdout
        else:
            try:
                params["outfile"] = open(params["outfile"], "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or error
                raise CmdParseError(f"{params['outfile']}: {why}; name a file that can be written") from error
        return super().execute(params, args)

    def _arranged(self, words: list[str]) -> Any:
        try:
            with refusing(self):
                known = {name: rule.options for name, rule in rules().items() if rule.options}
                tasks = {*commands(), *help_.step_names()}
                words, words_module.options_of_rules = without_options_of_rules(words, known, tasks)
                return super().parse_execute(
                    arranged(words, commands(), help_.step_names(), shell_steps(), _is_profile)
                )
        except DebateError as error:
            raise InvalidCommand(str(error)) from error
