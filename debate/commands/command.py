"""A command that is not a step is one file in this directory with one `Command` in it, named COMMAND.

Its doit task, `doit help NAME`, the overview of `doit help`, the README's table, shell completion, and what the loader
checks before any task is made (does it need root? do names follow?) are derived from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from debate.declarations import declaration, declaring
from debate.deferred import frozen
from debate.errors import DebateError, Problem
from debate.steps.rule import Option
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild

__all__ = ["Answer", "Command", "Commands", "Context", "Option", "Section", "commands"]

Section = Literal["Write a profile", "Build", "Know why", "Share", "This host"]
"""The sections of the overview, in order."""


@frozen
class Answer:
    """The result of a command. The reporter shows it as text, as annotations or as JSON lines."""

    text: str = ""
    """Text for people; ends with a newline."""
    good: bool = True
    """False makes doit's exit status 1."""
    problems: tuple[Problem, ...] = ()
    """The problems that ``text`` reports. GitHub shows these instead of the text; in JSON each is a line."""
    data: tuple[Mapping[str, Any], ...] = ()
    """The content of ``text`` as JSON objects, each the ``data`` of a result line. If empty, the text is the result."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """If ``Command.answers`` is False: note, lines and made, as a step reports them."""


@frozen
class Context:
    """The parts of a run that its commands may use."""

    settings: Settings
    say: Callable[[str], None]
    """Shows one line immediately."""
    builder: Callable[[], Builder]
    """Registers this run with the store and returns a builder. Called only by commands that need one."""
    reader: Callable[[], Builder]
    """Returns a builder that reads the store and uses no remote. The run is not registered, so this does not need root,
    but garbage collection can remove what the builder writes."""
    build: Callable[[str], ProfileBuild]
    """The steps of the profile with this name, with `builder`."""
    made: Callable[[str], ProfileBuild]
    """The same with `reader`, for reading what was built before."""
    pause: Callable[[], None]
    """Stop showing progress, since the command uses the terminal."""
    ask: Callable[[str], str]
    """Shows a question. Returns the line that the user types."""


@dataclass(frozen=True, eq=False, repr=False)
class Command:
    """One command."""

    name: str
    doc: str
    """One line, imperative, without a full stop."""
    usage: str
    """The text of `doit help NAME`: usage line, empty line, description, examples. ``{steps}`` stands for the names
    of the rules in which a shell can be opened."""
    section: Section
    """Its section in the overview."""
    run: Callable[..., Answer]
    """``run(context, **words)``: with `profile` if there is one task per profile, also `step` if there is one per step,
    `names` if names may follow, and each option by its name."""
    per: Literal["", "profile", "step"] = ""
    """``profile``: a subtask NAME:PROFILE per profile. ``step``: NAME:STEP:PROFILE per rule with a shell."""
    names: str = ""
    """The words that follow the command, for its usage (``NAME [NAME …]``); empty if nothing may follow."""
    options: tuple[Option, ...] = ()
    root: bool = False
    """True if it needs root, since it mounts file systems and starts sandboxes."""
    needs: tuple[str, ...] = ()
    """Rules whose records must be up to date first: the profile's, or ``sandbox``; ``*`` for all rules that `verify`
    compares. With ``per="step"``, those that the step itself reads are added."""
    require: Callable[..., object] | None = None
    """``require(settings, **options)``: raises DebateError for options or settings with which the command cannot work,
    if that shows without what it needs. It is called before any task runs, so nobody waits for the refusal."""
    answers: bool = True
    """True if only the answer's text or problems are shown; False for a line like that of a step, with the answer's
    report."""


class Commands(Mapping[str, Command]):
    """Every command by its name, sorted. The module of a command is imported when the command is looked up.

    Looking one up raises DebateError if its COMMAND is not a command, or is named differently from its file.
    """

    def __init__(self, directory: Path) -> None:
        self._paths = {path.stem.replace("_", "-"): path for path in declaring(directory, "COMMAND")}

    def __getitem__(self, name: str) -> Command:
        path = self._paths[name]
        command = declaration(path, __package__, "COMMAND", Command)
        if command.name != name:
            fact = f"the command of this file is {name!r}, and its COMMAND is named {command.name!r}"
            raise DebateError(fact, "rename one of them", place=shown(path))
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths


@cache
def commands() -> Commands:
    """All commands."""
    return Commands(Path(__file__).parent)
