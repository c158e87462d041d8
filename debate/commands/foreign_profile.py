"""Shared code of the commands that import a profile of another image builder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from debate.commands.command import Answer, Context, Option
from debate.errors import DebateError
from debate.profile import profile_names

if TYPE_CHECKING:
    from debate.convert.draft import Draft
    from debate.settings import Settings

OPTIONS = (
    Option("directory", "the directory to import", short="d", path=True),
    Option("name", "name of the new profile", short="n"),
)


def source(settings: Settings, directory: str, name: str) -> Path:
    """The directory to import. Raises DebateError if an option is missing, or ``name`` is not one for a new profile."""
    from debate.convert.draft import require_free

    if not directory or not name:
        absent = [word for word, value in (("-d", directory), ("-n", name)) if not value]
        missing = f"options {' and '.join(absent)} are" if len(absent) > 1 else f"option {absent[0]} is"
        raise DebateError(f"{missing} required", "-d names the directory to import, -n the new profile")
    profile_names.require(name)
    require_free(settings.profiles, name)
    return Path(directory).expanduser()


def written(context: Context, draft: Draft, name: str) -> Answer:
    """Write ``draft`` as the profile ``name``, and report what was written and what was lost. Raises DebateError."""
    from debate.convert.draft import write

    return Answer("\n".join(write(draft, context.settings.profiles, name)) + "\n")
