"""Reorders the words after `doit` in the way that doit expects.

doit accepts its own options only before the first task, and the options of a task only before that task's names. Users
write them anywhere. Unknown options are refused here, with the known ones, and never passed on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import takewhile

from debate.commands.command import Command, Option
from debate.errors import DebateError, Problem
from debate.text.printable import quoted
from debate.text.suggest import suggest

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_-]*"
options_of_rules: dict[str, str | bool] = {}
"""What the command line asks of the rules that it names."""
started_in = ""
"""Where the user stands, if that is not the working directory."""
FORMATS = ("text", "github", "json")
"""Output formats: text, text with annotations for GitHub, or JSON lines."""


def odd(words: Sequence[str]) -> Problem | None:
    """The problem of a word with which doit itself ends with a traceback, or which it drops; None if there is none."""
    for word in words:
        name, equals, _ = word.partition("=")
        if not word:
            remedy = "leave it out; a variable of the shell may have no value"
            return Problem(None, "a word on the command line is empty", remedy)
        if equals and not word.startswith("-") and not re.fullmatch(_VARIABLE, name):
            fact = f"{quoted(word)}: doit takes this for a variable, and {quoted(name)} is no name of one"
            return Problem(None, fact, "write the value of an option as --NAME=VALUE")
    return None


def run_options_first(words: Sequence[str]) -> list[str]:
    """``words`` with -v and --format first, where doit expects them. Raises DebateError for an unknown format."""
    option = Option("format", "", choices=FORMATS)
    left, found, format_ = verbose(words), list[str](), list[str]()
    while left:
        word = left.pop(0)
        if word.partition("=")[0] == "--format":
            format_ = [_with_value(option, word, left, "doit")]
        else:
            found.append(word)
    return [*format_, *found]


def arranged(
    words: Sequence[str],
    commands: Mapping[str, Command],
    steps: Sequence[str],
    shells: Sequence[str] = (),
    is_profile: Callable[[str], bool] = lambda _: False,
) -> list[str]:
    """``words`` with the options of each command directly after it, one word per option, and profiles after a colon.

    So ``check web --firmware bios`` is ``check:web --firmware=bios``, and ``validate:web`` is ``validate web``.
    ``steps``: tasks that take no options. ``shells``: those in which a shell can be opened. ``is_profile``: whether a
    word that is no task is a profile. Words after other tasks stay unchanged. Raises DebateError for an option that is
    unknown, lacks its value or has an invalid one.
    """
    found: list[str] = []
    left = list(words)

    def names(word: str) -> bool:
        return word not in commands and word not in steps and is_profile(word)

    while left:
        word = left.pop(0)
        name, _, rest = word.partition(":")
        if name in commands and commands[name].names:
            options, given = _taken(name, commands[name].options, left, lambda _: True)
            found += [name, *options, *([rest] if rest else []), *given]
        elif name in commands:
            per = commands[name].per
            if per == "step" and not rest and left and left[0] in shells:
                rest = left.pop(0)
                word = f"{name}:{rest}"
            is_open = (per == "profile" and not rest) or (per == "step" and rest in shells)
            options, given = _taken(name, commands[name].options, left, names if is_open else lambda _: False)
            for task in [f"{word}:{each}" for each in given] or [word]:
                found += [task, *options]
        else:
            given = []
            while word in steps and left and names(left[0]):
                given.append(f"{word}:{left.pop(0)}")
            found += given or [word]
            if name in steps and left and _is_option(left[0]):
                remedy = "known: --format, --verbose, --help; doit's own options come before the first task"
                raise DebateError(f"unknown option {left[0]}", remedy, place=name)
    return found


def without_options_of_rules(
    words: Sequence[str], rules: Mapping[str, Sequence[Option]], tasks: Container[str]
) -> tuple[list[str], dict[str, str | bool]]:
    """``words`` without the options of ``rules`` that follow them, and these: they count for all rules that are named.

    ``tasks``: names of all tasks, after which others' options follow. Raises DebateError as `arranged`.
    """
    found, values, now = list[str](), dict[str, str | bool](), ""
    left = list(words)
    while left:
        word = left.pop(0)
        name = word.partition(":")[0]
        if now and _is_option(word):
            left.insert(0, word)
            taken, _ = _taken(now, rules[now], left, lambda _: False)
            for option in taken:
                long, _, value = option[2:].partition("=")
                values[next(one.parameter for one in rules[now] if one.name == long)] = value or True
            continue
        found.append(word)
        now = name if name in rules else "" if name in tasks else now
    return found, values


def format_of(words: Sequence[str]) -> str:
    """The format in words returned by `run_options_first`."""
    return words[0].partition("=")[2] if words and words[0].startswith("--format=") else "text"


def tasks_among(words: Sequence[str], commands: Mapping[str, Command]) -> list[str]:
    """The words that name tasks or targets, without options and the names that follow a command."""
    found = []
    for word in words:
        if not word.startswith("-"):
            found.append(word)
            if word in commands and commands[word].names:
                break
    return found


def options_given(words: Sequence[str], commands: Mapping[str, Command]) -> Iterator[tuple[str, dict[str, str | bool]]]:
    """Each of the `arranged` words that is the task of a command, with the options that its function gets."""
    for position, word in enumerate(words):
        name = word.partition(":")[0]
        if name in commands:
            known = {option.name: option for option in commands[name].options}
            values: dict[str, str | bool] = {each.parameter: False if each.flag else "" for each in known.values()}
            for option in takewhile(_is_option, words[position + 1 :]):
                long, _, value = option[2:].partition("=")
                values[known[long].parameter] = known[long].flag or value
            yield word, values
            if commands[name].names:
                return  # What follows are names.


def verbose(words: Sequence[str]) -> list[str]:
    """``words`` with -v or --verbose from any position at the start, with doit's level 2 unless one follows."""
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


def _taken(
    place: str, known: Sequence[Option], left: list[str], takes: Callable[[str], bool]
) -> tuple[list[str], list[str]]:
    """Remove the words of the task ``place`` from the start of ``left``: its options, and names that it ``takes``."""
    options, names = list[str](), list[str]()
    while left and (_is_option(left[0]) or takes(left[0])):
        word = left.pop(0)
        if not _is_option(word):
            names.append(word)
            continue
        option = _option(known, word)
        if option is None:
            names_of = [f"--{option.name}" for option in known]
            none = "it takes only --format, --verbose and --help"
            remedy = suggest(word.partition("=")[0], names_of) if names_of else none
            raise DebateError(f"unknown option {word}", remedy, place=place)
        options.append(_with_value(option, word, left, place))
    return options, names


def _option(known: Sequence[Option], word: str) -> Option | None:
    for option in known:
        if word.partition("=")[0] == f"--{option.name}":
            return option
        if option.short and not word.startswith("--") and word[1] == option.short:
            return option
    return None


def _with_value(option: Option, word: str, left: list[str], place: str) -> str:
    """``--NAME=VALUE`` for the option ``word``, or ``--NAME``; its value may be removed from the start of ``left``."""
    if option.flag:
        if word not in (f"--{option.name}", f"-{option.short}"):
            raise DebateError(f"--{option.name} takes no value", option.help, place=place)
        return f"--{option.name}"
    if word.startswith("--"):
        _, given, value = word.partition("=")
    else:
        given = value = word[2:].removeprefix("=")
    if not given and left and not _is_option(left[0]):
        value = left.pop(0)
    known = f"one of {', '.join(option.choices)}" if option.choices else option.help
    if not value:
        remedy = f"for example --{option.name} {option.example}" if option.example else known
        raise DebateError(f"--{option.name} needs a value", remedy, place=place)
    if option.choices and value not in option.choices:
        raise DebateError(f"--{option.name}: unknown value {value!r}", known, place=place)
    if option.path and started_in:
        value = os.path.join(started_in, value)
    return f"--{option.name}={value}"


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-")
