"""`doit` without arguments: the profiles, and the next command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from debate import errors
from debate.commands.command import Answer, Command, Context
from debate.errors import DebateError, Place, Problem, spoken
from debate.host.terminal import page
from debate.profile import profile_names
from debate.text.amounts import count
from debate.text.paths import shown
from debate.text.printable import quoted

if TYPE_CHECKING:
    from debate.settings import Settings


_PAGE = 40
"""Lines of a page, where nothing tells how many a terminal has."""
_AROUND = 9
"""Lines around the profiles."""


def run(context: Context, names: Sequence[str]) -> Answer:
    """A few lines for new users; with ``names``, about those profiles and what fits a pattern.

    Raises DebateError for a name or pattern that no profile has.
    """
    settings = context.settings
    known = profile_names.names(settings.profiles)
    if not known:
        return Answer(f"No profiles in {settings.profiles}; " + spoken("see docs/profile.md for how to write one.\n"))
    most = page(_AROUND, _PAGE)
    shown_ = _fitting(settings, known, names) if names else known[:most]
    width = max(map(len, shown_))
    described = {name: _describe(settings, name) for name in shown_}
    lines = ["Profiles:", *(f"  {name:<{width}}  {' '.join(text.split())}" for name, text in described.items())]
    if len(shown_) < len(known):
        lines.append(f"{count(len(known), 'profile')}; {len(shown_)} shown: doit profiles 'WORD*' or doit profiles '*'")
    unread = list(profile_names.unread(settings.profiles).items())
    lines += [f"  {Problem(Place(file), *problem)}" for file, problem in unread[:most]]
    if len(unread) > most:
        lines.append(f"  and {len(unread) - most} more files that are not read: doit validate")
    lines.append("")
    name = "minimal" if "minimal" in shown_ else shown_[0]
    doit = errors.program if shutil.which(errors.program) else shown(Path(sys.argv[0]))
    steps = {
        f"build:{name}": f"build an ISO into {shown(settings.output)}/{name}/ (as root)",
        f"check:{name}": "boot it in QEMU",
        "list --all": "all targets",
        "help": "all commands",
    }
    longest = max(map(len, steps))
    lines += ["Next:", *(f"  {doit} {words:<{longest}}  {meaning}" for words, meaning in steps.items())]
    data: list[dict[str, object]] = [{"profile": name, "description": text} for name, text in described.items()]
    if len(shown_) < len(known):
        data.append({"profiles": len(known), "shown": len(shown_)})
    return Answer("\n".join(lines) + "\n", data=tuple(data))


def _fitting(settings: Settings, known: Sequence[str], words: Sequence[str]) -> list[str]:
    """The profiles that ``words`` name or fit. Raises DebateError for each that none does."""
    fitting = {word: [name for name in known if fnmatchcase(name, word)] for word in words}
    wrong = [
        Problem(Place("profiles"), f"no profile fits {quoted(word)}", "`doit` shows the profiles")
        if set(word) & {*"*?["}
        else Problem(Place("profiles"), *profile_names.missing(settings.profiles, word))
        for word, found in fitting.items()
        if not found
    ]
    if wrong:
        raise DebateError.of(wrong)
    return sorted({name for found in fitting.values() for name in found})


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
doit [profiles [NAME …]]

Lists the profiles with their descriptions, and says what to do next. If there are more than fit a
page, it shows the first, and how many there are; `doit profiles 'web*'` shows those that fit a
pattern, and `doit profiles '*'` all of them.
""",
    section="Write a profile",
    run=run,
    names="[NAME …]",
)
