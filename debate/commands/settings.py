"""`doit settings`: each setting, its value and where that comes from."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.errors import spoken


def run(context: Context) -> Answer:
    """All settings, without secrets."""
    from debate.commands.logic.settings_table import chosen

    found = list(chosen(context.settings))
    names, values = max(len(each.name) for each in found), max(min(len(each.value), 40) for each in found)
    lines = [f"{each.name:<{names}}  {each.value or 'none':<{values}}  {each.origin}" for each in found]
    data = tuple({"setting": each.name, "value": each.value, "origin": each.origin} for each in found)
    return Answer("\n".join([*lines, "", spoken("docs/settings.md says what each means."), ""]), data=data)


COMMAND = Command(
    name="settings",
    doc="show all settings, and where each comes from",
    usage="""\
doit settings

Shows the value of each setting, and its origin: the default, an environment variable or the line of
debate.toml. Passwords are not shown.
""",
    section="This host",
    run=run,
)
