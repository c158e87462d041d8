"""The words behind `doit`, brought into the order in which doit reads them.

doit takes its own options before the first task only, and the options of a task before that task's names only. People
write them anywhere. What nobody knows is refused here, with what is known, and never passed on as something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from debate.commands.command import Command, Option
from debate.errors import DebateError
from debate.text.suggest import suggest

FORMATS = ("text", "github", "json")
"""What a run can print: text, text with annotations for GitHub, or JSON lines."""


def run_options_first(words: Sequence[str]) -> list[str]:
    """``words`` with -v and --format in front, where doit expects them. Raises DebateError for an unknown format."""
    option = Option("format", "", choices=FORMATS)
    left, found, format_ = verbose(words), list[str](), list[str]()
    while left:
        word = left.pop(0)
        if word.partition("=")[0] == "--format":
            format_ = [_with_value(option, word, left, "doit")]
        else:
            found.append(word)
    return [*format_, *found]


def arranged(words: Sequence[str], commands: Mapping[str, Command], steps: Sequence[str]) -> list[str]:
    """``words`` with the options of each command directly behind it, a word each.

    ``steps``: tasks that take no options. Tasks of others keep their words. Raises DebateError for an option that is
    unknown, lacks its value or has one that it cannot have.
    """
    found: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        found.append(word)
        name = word.partition(":")[0]
        if name in commands:
            found += _taken(commands[name], left)
        elif name in steps and left and _is_option(left[0]):
            raise DebateError(f"unknown option {left[0]}", "doit's own options stand before the first task", place=name)
    return found


def format_of(words: Sequence[str]) -> str:
    """The format among the words that `run_options_first` returned."""
    return words[0].partition("=")[2] if words and words[0].startswith("--format=") else "text"


def tasks_among(words: Sequence[str], commands: Mapping[str, Command]) -> list[str]:
    """The words that name tasks or targets: no options, and nothing behind a command that names follow."""
    found = []
    for word in words:
        if not word.startswith("-"):
            found.append(word)
            if word in commands and commands[word].names:
                break
    return found


def verbose(words: Sequence[str]) -> list[str]:
    """-v or --verbose anywhere, without doit's level behind it, as doit's own -v 2 before all others."""
    found: list[str] = []
    level = ""
    left = list(words)
    while left:
        word = left.pop(0)
        if word not in ("-v", "--verbose"):
            found.append(word)
        else:
            level = left.pop(0) if left and left[0] in ("0", "1", "2") else "2"
    return ["-v", level, *found] if level else found


def _taken(command: Command, left: list[str]) -> list[str]:
    """Take what belongs to ``command`` from the front of ``left``: its options, then its names."""
    options, names = list[str](), list[str]()
    while left and (command.names or _is_option(left[0])):
        word = left.pop(0)
        if not _is_option(word):
            names.append(word)
            continue
        option = _option(command, word)
        if option is None:
            known = [f"--{option.name}" for option in command.options]
            remedy = suggest(word.partition("=")[0], known) if known else "it has no options of its own"
            raise DebateError(f"unknown option {word}", remedy, place=command.name)
        options.append(_with_value(option, word, left, command.name))
    return [*options, *names]


def _option(command: Command, word: str) -> Option | None:
    for option in command.options:
        if word.partition("=")[0] == f"--{option.name}":
            return option
        if option.short and not word.startswith("--") and word[1] == option.short:
            return option
    return None


def _with_value(option: Option, word: str, left: list[str], place: str) -> str:
    """``--NAME=VALUE``, for ``word`` and the words behind it, of which the value is taken."""
    if word.startswith("--"):
        _, given, value = word.partition("=")
    else:
        given = value = word[2:].removeprefix("=")
    if not given and left and not _is_option(left[0]):
        value = left.pop(0)
    known = f"one of {', '.join(option.choices)}" if option.choices else option.help
    if not value:
        raise DebateError(f"--{option.name} needs a value", known, place=place)
    if option.choices and value not in option.choices:
        raise DebateError(f"--{option.name}: unknown value {value!r}", known, place=place)
    return f"--{option.name}={value}"


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-")
