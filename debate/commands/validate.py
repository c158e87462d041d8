"""`doit validate [NAME …]`: check profiles and their lock files without building them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem
from debate.profile import profile_names
from debate.settings import Settings
from debate.steps import config, lock
from debate.text.amounts import count
from debate.text.paths import shown


def run(context: Context, names: Sequence[str]) -> Answer:
    """Check the profiles ``names``, or all. Raises DebateError if one of them does not exist."""
    directory = context.settings.profiles
    if os.path.lexists(directory) and not directory.is_dir():
        raise DebateError("is not a directory", "make it one", place=directory.name)
    known = profile_names.names(directory)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DebateError.of(Problem(Place("validate"), *profile_names.missing(directory, name)) for name in unknown)
    found = {name: _problems(context.settings, name) for name in names or known}
    if not names:
        unread = profile_names.unread(directory).items()
        found |= {file: [Problem(_start(directory, file), *problem)] for file, problem in unread}
    # A problem in a profile that several others extend is reported once.
    problems = tuple(dict.fromkeys(problem for problems in found.values() for problem in problems))
    bad = sum(1 for problems in found.values() if problems)
    verdict = f"{bad} invalid, {count(len(problems), 'problem')}" if bad else "all valid"
    lines = [*map(str, problems), f"{count(len(found), 'profile')}: {verdict}"]
    return Answer(
        "\n".join(lines) + "\n",
        good=not problems,
        problems=problems,
        data=tuple({"profile": name, "problems": len(problems)} for name, problems in found.items()),
    )


def _problems(settings: Settings, name: str) -> list[Problem]:
    """The problems of one profile, and of its committed lock file, each with a place."""
    from debate.profile.load import load

    directory = settings.profiles

    def wanted(name: str) -> lock.Slice:
        return config.normalise(load(directory, name), directory).slice(lock.Slice)

    try:
        return [*lock.problems(settings, name, wanted(name), wanted)]
    except DebateError as error:
        return [problem.at(_start(directory, f"{name}{profile_names.SUFFIX}")) for problem in error.problems]


def _start(directory: Path, file: str) -> Place:
    return Place(str(Path(shown(directory), file)), 1, 1)


COMMAND = Command(
    name="validate",
    doc="check profiles without building",
    usage="""\
doit validate [NAME …] [--format text|github|json]

Checks all profiles, or the named ones, and their lock files, without building and without a
network. Every problem has file, line, column and remedy. --format github writes annotations for a
pull request, json a JSON object for each problem and each profile (docs/json.md).
""",
    section="Write a profile",
    run=run,
    names="[NAME …]",
)
