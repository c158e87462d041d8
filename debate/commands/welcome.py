"""What `doit` alone says: the profiles there are, and the next command."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from debate.errors import DebateError, ProfileError
from debate.profile import profile_names
from debate.settings import Settings
from debate.text.paths import shown


def text(settings: Settings) -> str:
    """A few lines for someone who has never seen this before."""
    names = profile_names.names(settings.profiles)
    if not names:
        return f"There is no profile in {settings.profiles}; write one: docs/profile.md has an example.\n"
    width = max(map(len, names))
    lines = ["Profiles:", *(f"  {name:<{width}}  {_describe(settings, name)}" for name in names), ""]
    name = "minimal" if "minimal" in names else names[0]
    doit = "doit" if shutil.which("doit") else shown(Path(sys.argv[0]))
    steps = {
        f"build:{name}": f"build an ISO into {shown(settings.output)}/{name}/ (as root)",
        f"check:{name}": "boot it in QEMU",
        "list --all": "all targets",
        "help": "how doit is used",
    }
    longest = max(map(len, steps))
    lines += ["Next:", *(f"  {doit} {words:<{longest}}  {meaning}" for words, meaning in steps.items())]
    return "\n".join(lines) + "\n"


def _describe(settings: Settings, name: str) -> str:
    from debate.profile.load import load

    try:
        return str(load(settings.profiles, name).data.get("description", ""))
    except ProfileError as error:
        return f"has errors: {error.problems[0]}"
    except DebateError as error:
        return f"has errors: {error}"
