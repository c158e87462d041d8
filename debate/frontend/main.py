"""The program `debate`: doit with debate's commands, for the workspace in which one stands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from doit.doit_cmd import DoitMain
from doit.version import VERSION

from debate import __version__, errors
from debate.errors import DebateError
from debate.frontend import loader, words, workspace
from debate.frontend.plugins import PLUGINS

_ANYWHERE = ("help", "init", "--version")
"""First words for which no workspace is needed."""


class _Main(DoitMain):  # type: ignore[misc]
    BIN_NAME = "debate"

    @staticmethod
    def print_version() -> None:
        python = ".".join(map(str, sys.version_info[:3]))
        sys.stdout.write(f"debate {__version__} (doit {'.'.join(map(str, VERSION))}, Python {python})\n")


def main() -> int:
    """Do what the words on the command line say. Returns the exit status."""
    given = sys.argv[1:]
    if given in (["--help"], ["-h"]):
        given = sys.argv[1:] = ["help"]
    if not _needs_none(given):
        try:
            _enter()
        except DebateError as error:
            loader.exit_with(error.problems[0])
    if sys._xoptions.get("typed") != "doit":
        errors.program = "debate"
    status: int = _Main(extra_config=PLUGINS).run(given)
    return status


def _needs_none(given: Sequence[str]) -> bool:
    return given[:1] != [] and (given[0] in _ANYWHERE or any(word in ("-h", "--help") for word in given))


def _enter() -> None:
    """Go to the workspace in which one stands. Raises DebateError."""
    try:
        start = Path.cwd()
        root = workspace.find(start)
        if root != start:
            words.started_in = str(start)
            os.chdir(root)
    except OSError as error:
        remedy = "go to one that is there and that you may enter"
        raise DebateError(f"{error.strerror}", remedy, place="the directory where you stand") from None
