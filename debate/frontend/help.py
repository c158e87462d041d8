"""`doit help`, `doit help TASK` and `doit TASK --help`, and the README's table of commands.

All texts come from the declarations of the commands and rules.

    python -m debate.frontend.help      prints the README's table
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from doit.cmd_base import DoitCmdBase
from doit.cmd_help import Help as DoitHelp
from doit.exceptions import InvalidCommand

from debate.commands.command import Command, Section, commands
from debate.errors import DebateError, spoken
from debate.frontend.own import Own
from debate.steps.rules import rules, shell_steps

SECTIONS: tuple[str, ...] = get_args(Section)
"""Headings of the overview, in order."""
_FIRST = "doit [TASK …]"
_LAST = """\
doit help TASK or doit TASK --help   usage of one of them
doit -v TASK                         show the output of each step
doit TASK --format json              results and problems as JSON lines (docs/json.md)
doit list --all, doit help run       all tasks; doit's own options
doit -k TASK                         do the same from a directory below

Exit status: 0 done, 1 something failed, 2 output was lost or doit itself failed, 3 refused before
anything ran, 130 after Ctrl-C.
"""
_OWN = (
    ("`doit help`, `doit help TASK`, `doit TASK --help`", "show help"),
    ("`doit TASK --format json`", "print results and problems as JSON lines: [docs/json.md](docs/json.md)"),
    ("`doit -k TASK`", "do the same from a directory below"),
    (
        "`doit list --all`, `doit info TASK`, `doit clean`, `doit forget`",
        "doit's own commands; `doit help run` shows its options",
    ),
    (
        "`doit tabcompletion --shell bash` (or `zsh`, `fish`)",
        "print completion for your shell, as for `source <(doit tabcompletion --shell bash)`",
    ),
)
"""Rows of the README's table for doit's own commands."""


@dataclass(frozen=True, eq=False, repr=False)
class Entry:
    """A command, or a rule that users call by name."""

    name: str
    label: str
    """The words after `doit` in the overview."""
    doc: str
    usage: str
    section: str


def step_names() -> tuple[str, ...]:
    """The names of all rules, including the one without a profile."""
    return tuple(rules())


def _rule_entries() -> Iterator[Entry]:
    """The rules that users call by name, all in the section Build."""
    for rule in rules().values():
        if rule.usage:
            yield Entry(rule.name, f"{rule.name}:NAME", rule.doc, rule.usage, "Build")


# What is shown --------------------------------------------------------------------------------------


def entries() -> list[Entry]:
    """Everything that users call by name, by section and name."""
    found = [*_rule_entries(), *map(_command_entry, commands().values())]
    return sorted(found, key=lambda entry: (SECTIONS.index(entry.section), entry.name))


def _command_entry(command: Command) -> Entry:
    label = command.name + {"": f" {command.names}".rstrip(), "profile": ":NAME", "step": ":STEP:NAME"}[command.per]
    *most, last = shell_steps()
    usage = command.usage.replace("{steps}", f"{', '.join(most)} or {last}")
    return Entry(command.name, label, command.doc, usage, command.section)


def overview() -> str:
    """All commands by section."""
    found = entries()
    width = max(len(entry.label) for entry in found) + 2
    lines = [f"{_FIRST:<{width + 2}}  run steps and commands; without any, list the profiles", ""]
    for section in SECTIONS:
        lines.append(section)
        lines += [f"  {entry.label:<{width}}{entry.doc}" for entry in found if entry.section == section]
    return "\n".join([*lines, "", _LAST])


def text(word: str) -> str:
    """The usage of the task ``word`` (NAME, NAME:PROFILE or shell:STEP:PROFILE); empty if there is none."""
    name = word.partition(":")[0]
    usage = next((entry.usage for entry in entries() if entry.name == name), "")
    if usage or name not in rules():
        return usage
    rule = rules()[name]
    return f"doit {name}{':NAME' if rule.profile else ''}\n\n{rule.doc[0].upper()}{rule.doc[1:]}.\n"


def known(word: str) -> bool:
    """True if the task ``word`` is one of a command or rule."""
    name = word.partition(":")[0]
    return name in rules() or name in commands()


def markdown() -> str:
    """The README's table of commands."""
    firsts = [(entry.usage.partition("\n")[0].replace("|", r"\|"), entry.doc) for entry in entries()]
    rows = [(f"`{first}`", doc) for first, doc in firsts]
    return "\n".join(["| command | does |", "|---|---|", *(f"| {left} | {right} |" for left, right in (*rows, *_OWN))])


class Help(Own, DoitHelp):  # type: ignore[misc]
    """doit's help, with the usage of debate's tasks."""

    doc_purpose = "show help; start here"

    def execute(self, params: dict[str, object], args: list[str]) -> int:
        """Print the help for ``args``."""
        try:
            texts = [*map(text, args)] if args else [overview()]
        except DebateError as error:
            raise InvalidCommand(str(error)) from error
        if all(texts):
            sys.stdout.write(spoken("\n".join(texts)))
            if args != ["run"]:  # That is doit's own command, too, with all of its options.
                return 0
            sys.stdout.write("\n")
        if args[0] != "task" and args[0] not in self.cmds:
            # A task of the user's own, or none.
            if not DoitCmdBase.execute(self, params, args):
                raise self.loader.unknown(args[0])
            return 0
        code: int = super().execute(params, args[:1])
        return code


if __name__ == "__main__":
    sys.stdout.write(f"{markdown()}\n")
