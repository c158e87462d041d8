"""A command beside the graph is one file in this directory with one `Command` in it, named COMMAND.

Its doit task, `doit help NAME`, the overview of `doit help`, the README's table, shell completion, and what the loader
asks before any task is made (root? do names follow?) are projections of these declarations.
"""

from __future__ import annotations

import importlib
import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from debate.deferred import frozen
from debate.errors import Problem

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild


@dataclass(frozen=True, eq=False, repr=False)
class Option:
    """An option with a value, ``--NAME VALUE``, which reaches the command's function as a keyword argument.

    Without the option, that argument is an empty string.
    """

    name: str
    help: str
    short: str = ""
    """One letter for ``-x VALUE``, or empty."""
    choices: tuple[str, ...] = ()
    """The values it takes; empty for any."""

    @property
    def parameter(self) -> str:
        """The keyword argument: NAME, or ``from_`` for ``--from``, which is a word of Python's."""
        name = self.name.replace("-", "_")
        return f"{name}_" if keyword.iskeyword(name) else name


@frozen
class Answer:
    """What a command has to say. The reporter shows it, as text, as annotations or as JSON lines."""

    text: str = ""
    """For people; ends with a line break."""
    good: bool = True
    """False makes doit's exit status 1."""
    problems: tuple[Problem, ...] = ()
    """What ``text`` says is wrong. GitHub shows these instead of the text; in JSON each is a line."""
    data: tuple[Mapping[str, Any], ...] = ()
    """What ``text`` says, as JSON objects, each the ``data`` of a result line; without any, the text is the result."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """Where ``Command.answers`` is False: note, lines and made, as a step reports them."""


@frozen
class Context:
    """What a command is given of the run that it belongs to."""

    settings: Settings
    say: Callable[[str], None]
    """Shows one line at once."""
    builder: Callable[[], Builder]
    """Announces this run to the store and returns what builds steps. Asked only by commands that need it."""
    reader: Callable[[], Builder]
    """A builder for commands that keep nothing in the store; the run is not announced, so this takes no root."""
    build: Callable[[str], ProfileBuild]
    """The steps of the profile of this name, with `builder`."""
    made: Callable[[str], ProfileBuild]
    """The same with `reader`, for what was made before."""
    pause: Callable[[], None]
    """Stop showing progress, since the command takes the terminal."""


@dataclass(frozen=True, eq=False, repr=False)
class Command:
    """One command."""

    name: str
    doc: str
    """One line, imperative, without a full stop."""
    usage: str
    """The text of `doit help NAME`: usage line, empty line, description, examples. ``{steps}`` stands for the names
    of the rules in which a shell can be opened."""
    section: Literal["Write a profile", "Build", "Know why", "Share", "This host"]
    """Heading of the overview under which it stands."""
    run: Callable[..., Answer]
    """``run(context, **words)``: `profile` where it is one for each profile, `step` as well for ``shell``,
    `names` where names follow, and each option by its name."""
    per: Literal["", "profile", "step"] = ""
    """``profile``: a subtask NAME:PROFILE for each profile. ``step``: NAME:STEP:PROFILE for each rule with a shell."""
    names: str = ""
    """What follows the command as words, for its usage (``NAME [NAME …]``); empty if nothing may follow."""
    options: tuple[Option, ...] = ()
    root: bool = False
    """Needs root, because it mounts file systems and starts sandboxes."""
    needs: tuple[str, ...] = ()
    """Rules whose records must be up to date first: the profile's, or ``sandbox``; ``*`` for all that `verify`
    compares. With ``per="step"`` those that the step itself reads, beside these."""
    answers: bool = True
    """True where the answer's text or problems are all there is to show; False for a line as steps have, with the
    answer's report."""


@cache
def commands() -> Mapping[str, Command]:
    """Every command by its name, sorted."""
    directory = Path(__file__).parent
    found = {}
    for path in sorted(directory.glob("*.py")):
        if path.stem not in ("__init__", "command"):
            module = importlib.import_module(f"{__package__}.{path.stem}")
            if hasattr(module, "COMMAND"):
                found[module.COMMAND.name] = module.COMMAND
    return dict(sorted(found.items()))
