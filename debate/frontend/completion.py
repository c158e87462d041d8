"""Completion for the fish shell; doit itself has it for bash and zsh.

python -m debate.frontend.completion > completion/doit.fish
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from debate.commands.command import commands
from debate.frontend.words import FORMATS

DOIT = ("help", "list", "info", "clean", "forget")
"""doit's own commands that people use."""
RUN = (("c", "continue", "go on with others where one fails"), ("n", "process", "steps at a time"))
"""doit's own options that people use: letter, name, meaning."""

_TASKS = r"""(doit list --all 2> /dev/null | string replace -r "^(\S+)\s+" "\$1\t")"""
_PROFILES = r"""(doit list --all --quiet 2> /dev/null | string replace -rf "^build:" "")"""


def fish() -> str:
    """The text of completion/doit.fish."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Completion of doit's tasks for fish, by doit's own list of them."
    yield "#   cp completion/doit.fish ~/.config/fish/completions/"
    yield "# Made by `python -m debate.frontend.completion`; change it there."
    yield "complete -c doit -f"
    naming = [command.name for command in commands().values() if command.names]
    yield f"complete -c doit -n 'not __fish_seen_subcommand_from {' '.join(naming)}' -a '{_TASKS}'"
    yield f"complete -c doit -n '__fish_seen_subcommand_from {' '.join(naming)}' -a '{_PROFILES}'"
    yield f"complete -c doit -n '__fish_is_first_token' -a '{' '.join(DOIT)}'"
    yield "complete -c doit -s v -l verbose -d 'the output of each step'"
    yield f"complete -c doit -l format -x -a '{' '.join(FORMATS)}' -d 'what to print'"
    for short, name, meaning in RUN:
        value = "" if name == "continue" else "-x "
        yield f"complete -c doit -s {short} -l {name} {value}-d '{meaning}'"
    for command in commands().values():
        for option in command.options:
            short = f"-s {option.short} " if option.short else ""
            values = f"-x -a '{' '.join(option.choices)}'" if option.choices else "-x"
            values = "-r -F" if option.name == "directory" else values
            when = f"__fish_seen_subcommand_from {command.name}"
            yield f"complete -c doit -n '{when}' {short}-l {option.name} {values} -d '{option.help}'"


if __name__ == "__main__":
    sys.stdout.write(fish())
