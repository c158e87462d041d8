"""A command beside the graph is one file in this directory with one `Command` in it, named COMMAND.

Its doit task, `doit help NAME`, the overview of `doit help`, the README's table, shell completion, and what the loader
asks before any task is made (root? do names follow?) are projections of these declarations.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild


@dataclass(frozen=True)
class Option:
    """An option with a value, ``--NAME VALUE``, which reaches the command's function as the keyword NAME."""

    name: str
    help: str
    short: str = ""
    """One letter for ``-x VALUE``, or empty."""
    choices: tuple[str, ...] = ()
    """The values it takes; empty for any."""


@dataclass(frozen=True)
class Answer:
    """What a command has to say."""

    text: str = ""
    """Printed to standard output."""
    good: bool = True
    """False makes doit's exit status 1."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """For the reporter, where the command is shown like a step: note, lines, made."""
    lines: tuple[Mapping[str, Any], ...] = ()
    """The same as JSON objects, one a line, for --format json; empty where the command has no such form."""


@dataclass(frozen=True)
class Context:
    """What a command is given of the run that it belongs to."""

    settings: Settings
    say: Callable[[str], None]
    """Shows one line at once."""
    builder: Callable[[], Builder]
    """Announces this run to the store and returns what builds steps. Asked only by commands that need it."""
    looking: Callable[[], Builder]
    """A builder for commands that leave the store as it is."""
    build: Callable[[str], ProfileBuild]
    """The steps of the profile of this name, with `builder`."""
    pause: Callable[[], None]
    """Stop showing progress, since the command takes the terminal."""
    refresh: bool = False


@dataclass(frozen=True)
class Command:
    """One command."""

    name: str
    doc: str
    """One line, imperative, without a full stop."""
    usage: str
    """The text of `doit help NAME`: usage line, empty line, description, examples."""
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
    """Rules that must be made first: of the profile, or ``sandbox``. ``*`` stands for each rule that is compared."""
    answers: bool = True
    """What it prints is all there is to show; False where it is shown as steps are, with a line for its report."""


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
