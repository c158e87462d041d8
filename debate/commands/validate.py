"""`doit validate [NAME …]`: check profiles and their lock files without building them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem
from debate.profile import editors, profile_names
from debate.text.amounts import count


def run(context: Context, names: Sequence[str]) -> Answer:
    """Check the profiles ``names``, or all. Raises DebateError if one of them does not exist."""
    from debate.commands.logic import validate

    directory = context.settings.profiles
    if os.path.lexists(directory) and not directory.is_dir():
        raise DebateError("is not a directory", "make it one", place=directory.name)
    known = profile_names.names(directory)
    unknown = sorted(set(names) - set(known), key=names.index)
    if unknown:
        raise DebateError.of(Problem(Place("validate"), *profile_names.missing(directory, name)) for name in unknown)
    if names:
        found = validate.problems(context.settings, names)
    else:
        found = validate.all_problems(context.settings, known)
        unread = profile_names.unread(directory).items()
        found |= {file: [Problem(validate.start(directory, file), *problem)] for file, problem in unread}
    # A problem in a profile that several others extend is reported once.
    problems = tuple(dict.fromkeys(problem for problems in found.values() for problem in problems))
    bad = sum(1 for problems in found.values() if problems)
    verdict = f"{bad} invalid, {count(len(problems), 'problem')}" if bad else "all valid"
    lines = [*map(str, problems), f"{count(len(found), 'profile')}: {verdict}", *editors.remarks(directory)]
    return Answer(
        "\n".join(lines) + "\n",
        good=not problems,
        problems=problems,
        data=tuple({"profile": name, "problems": len(problems)} for name, problems in found.items()),
    )


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
