"""What the commands that import a profile of another image builder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Context, Option
from debate.errors import DebateError

if TYPE_CHECKING:
    from pathlib import Path

    from debate.convert.draft import Draft

OPTIONS = (
    Option("directory", "what to import", short="d"),
    Option("name", "of the profile to be made", short="n"),
)


def source(directory: str, name: str) -> Path:
    """The directory to import. Raises DebateError where an option is missing or ``name`` cannot name a profile."""
    from pathlib import Path

    from debate.profile import profile_names

    if not directory or not name:
        raise DebateError("-d DIRECTORY names what to import, and -n NAME the profile to be made of it")
    profile_names.require(name)
    return Path(directory).expanduser()


def written(context: Context, draft: Draft, name: str) -> Answer:
    """Write ``draft`` as the profile ``name``, and say what was written and what was lost. Raises DebateError."""
    from debate.convert.draft import write

    return Answer("\n".join(write(draft, context.settings.profiles, name)) + "\n")
