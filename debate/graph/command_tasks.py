"""Makes doit tasks from the declarations of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from doit.exceptions import TaskFailed

from debate.commands.command import Answer, Command, Context, Option
from debate.graph.failed import guarded

Task = dict[str, Any]


def command_tasks(
    commands: Sequence[Command],
    *,
    context: Callable[[str], Context],
    record: Callable[[str, str], list[str]],
    profiles: Callable[[Command], Sequence[str]],
    named: Sequence[str],
    shells: Mapping[str, Callable[[str], Sequence[str]]],
) -> Iterator[Task]:
    """A task for each command, or for each of its profiles and steps.

    ``context``: task -> the context of its command.
    ``record``: what a command needs, profile -> the files that rules leave for it.
    ``profiles``: command -> those that it may be asked for. ``named``: those of them that the command line names.
    ``shells``: rule in which a shell can be opened -> profile -> the files that it reads.
    """
    for command in commands:
        if not command.per:
            yield {"basename": command.name, **_task(command, command.name, context, record)}
            continue
        yield {"basename": command.name, "name": None, "doc": command.doc}
        if command.per == "profile":
            for profile in profiles(command):
                name = f"{command.name}:{profile}"
                yield {
                    "basename": command.name,
                    "name": profile,
                    **_task(command, name, context, record, profile=profile),
                }
            continue
        # Only for the named profiles, since there are many of these tasks and lists should not show them.
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
    """The task ``name`` of a command; ``fixed`` has its profile and step, if it is for one.

    The action does not return the answer, since doit would write it to its database.
    """
    answered: dict[str, Answer] = {}

    def action(**words: Any) -> Any:
        """doit passes the options, and the names as ``names``."""
        if command.names:
            words["names"] = words["names"] or []
        return guarded(lambda: _run(command, context(name), {**fixed, **words}, answered))

    task: Task = {
        "doc": command.doc,
        "actions": [action],
        "file_dep": [file for need in command.needs for file in record(need, fixed.get("profile", ""))],
        "params": [_parameter(option) for option in command.options],
        "uptodate": [False],
        "meta": {"root": command.root, "require": command.require},
    }
    if command.names:
        task["pos_arg"] = "names"
    if command.answers:
        task["verbosity"] = 2
        task["meta"] |= {"answers": True, "answered": answered}
    return task


def _run(command: Command, context: Context, words: Mapping[str, Any], answered: dict[str, Answer]) -> Any:
    answer: Answer = command.run(context, **words)
    if not command.answers:
        return dict(answer.report)
    answered["answer"] = answer
    return None if answer.good else TaskFailed("see the answer", report=False)


def _parameter(option: Option) -> dict[str, Any]:
    """doit's declaration of an option."""
    return {
        "name": option.parameter,
        "long": option.name,
        "short": option.short,
        **({"type": bool, "default": False} if option.flag else {"default": ""}),
        "help": option.help.replace("%", "%%"),
        **({"choices": [(choice, "") for choice in option.choices]} if option.choices else {}),
    }
