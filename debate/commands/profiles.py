"""`doit` without arguments: the profiles, and the next command."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem
from debate.profile import profile_names
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.settings import Settings


def run(context: Context) -> Answer:
    """A few lines for new users."""

    settings = context.settings
    names = profile_names.names(settings.profiles)
    if not names:
        return Answer(f"No profiles in {settings.profiles}; see docs/profile.md for how to write one.\n")
    width = max(map(len, names))
    described = {name: _describe(settings, name) for name in names}
    lines = ["Profiles:", *(f"  {name:<{width}}  {' '.join(text.split())}" for name, text in described.items())]
    unread = profile_names.unread(settings.profiles).items()
    lines += [f"  {Problem(Place(file), *problem)}" for file, problem in unread] + [""]
    name = "minimal" if "minimal" in names else names[0]
    doit = "doit" if shutil.which("doit") else shown(Path(sys.argv[0]))
    steps = {
        f"build:{name}": f"build an ISO into {shown(settings.output)}/{name}/ (as root)",
        f"check:{name}": "boot it in QEMU",
        "list --all": "all targets",
        "help": "all commands",
    }
    longest = max(map(len, steps))
    lines += ["Next:", *(f"  {doit} {words:<{longest}}  {meaning}" for words, meaning in steps.items())]
    data = tuple({"profile": name, "description": text} for name, text in described.items())
    return Answer("\n".join(lines) + "\n", data=data)


def _describe(settings: Settings, name: str) -> str:
    from debate.profile.load import load

    try:
        return str(load(settings.profiles, name).data.get("description", ""))
    except DebateError as error:
        return f"has errors: {error.problems[0]}"


COMMAND = Command(
    name="profiles",
    doc="show the profiles and the next command",
    usage="""\
doit

Lists the profiles with their descriptions, and says what to do next. Same as `doit profiles`.
""",
    section="Write a profile",
    run=run,
)
