"""What `doit` alone says: the profiles there are, and the next command."""

from __future__ import annotations

from debate import profile_names
from debate.errors import DebateError, ProfileError
from debate.settings import Settings


def text(settings: Settings) -> str:
    """A few lines for someone who has never seen this before."""
    names = profile_names.names(settings.profiles)
    if not names:
        return f"There is no profile in {settings.profiles}; write one: docs/profile.md has an example.\n"
    width = max(map(len, names))
    lines = ["Profiles:", *(f"  {name:<{width}}  {_describe(settings, name)}" for name in names), ""]
    name = "minimal" if "minimal" in names else names[0]
    lines += [
        "Next:",
        f"  doit build:{name}    build an ISO into {_shown(settings)}/{name}/ (as root)",
        f"  doit check:{name}    boot it in QEMU",
        "  doit list --all      all targets",
    ]
    return "\n".join(lines) + "\n"


def _describe(settings: Settings, name: str) -> str:
    from debate.profile import load

    try:
        return str(load(settings.profiles, name).data.get("description", ""))
    except ProfileError as error:
        return f"has errors: {error.problems[0]}"
    except DebateError as error:
        return f"has errors: {error}"


def _shown(settings: Settings) -> str:
    try:
        return str(settings.output.relative_to(settings.root))
    except ValueError:
        return str(settings.output)
