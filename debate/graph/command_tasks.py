"""Doit's tasks for the commands, as they declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from doit.exceptions import TaskFailed

from debate.commands.command import Answer, Command, Context, Option
from debate.graph.failed import guarded

Task = dict[str, Any]


def command_tasks(
    commands: Mapping[str, Command],
    *,
    context: Callable[[str], Context],
    record: Callable[[str, str], list[str]],
    profiles: Sequence[str],
    named: Sequence[str],
    shells: Mapping[str, Callable[[str], Sequence[str]]],
) -> Iterator[Task]:
    """A task for each command, or one for each of its profiles and steps.

    ``context``: task -> what its command is given.
    ``record``: what a command needs, profile -> the files that rules leave for it.
    ``profiles``: those that may be asked for. ``named``: those of them that the command line names.
    ``shells``: rule in which a shell can be opened -> profile -> the files that it reads.
    """
    for command in commands.values():
        if not command.per:
            yield {"basename": command.name, **_task(command, command.name, context, record)}
            continue
        yield {"basename": command.name, "name": None, "doc": command.doc}
        if command.per == "profile":
            for profile in profiles:
                name = f"{command.name}:{profile}"
                yield {
                    "basename": command.name,
                    "name": profile,
                    **_task(command, name, context, record, profile=profile),
                }
            continue
        # Only for profiles that are named, for there are many of these and nobody wants them in a list.
        for profile in named:
            for step, reads in shells.items():
                name = f"{step}:{profile}"
                task = _task(command, f"{command.name}:{name}", context, record, profile=profile, step=step)
                task["file_dep"] += reads(profile)
                yield {"basename": command.name, "name": name, **task}


def _task(
    command: Command,
    name: str,
    context: Callable[[str], Context],
    record: Callable[[str, str], list[str]],
    **fixed: str,
) -> Task:
    """The task ``name`` of a command; ``fixed`` is its profile and step, where it is for one.

    Its answer stays out of what the action returns, for that goes into doit's database.
    """
    answered: dict[str, Answer] = {}

    def action(**words: Any) -> Any:
        """Doit passes the options, and the names as ``names``."""
        if command.names:
            words["names"] = words["names"] or []
        return guarded(lambda: _run(command, context(name), {**fixed, **words}, answered))

    task: Task = {
        "doc": command.doc,
        "actions": [action],
        "file_dep": [file for need in command.needs for file in record(need, fixed.get("profile", ""))],
        "params": [_parameter(option) for option in command.options],
        "uptodate": [False],
    }
    if command.names:
        task["pos_arg"] = "names"
    if command.answers:
        task |= {"verbosity": 2, "meta": {"tells": True, "answered": answered}}
    return task


def _run(command: Command, context: Context, words: Mapping[str, Any], answered: dict[str, Answer]) -> Any:
    answer: Answer = command.run(context, **words)
    if not command.answers:
        return dict(answer.report)
    answered["answer"] = answer
    return None if answer.good else TaskFailed("the answer says what is wrong", report=False)


def _parameter(option: Option) -> dict[str, Any]:
    """An option as doit declares one."""
    return {
        "name": option.parameter,
        "long": option.name,
        "short": option.short,
        "default": "",
        "help": option.help.replace("%", "%%"),
        **({"choices": [(choice, "") for choice in option.choices]} if option.choices else {}),
    }
