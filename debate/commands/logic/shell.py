"""Run a step again, and open a shell in its sandbox.

The shell opens after the step has failed, or else before its outputs are packed. Nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from debate.build.builder import Builder
from debate.build.local import LocalExecutor
from debate.errors import DebateError
from debate.model import Artifact, Step, Supplies
from debate.steps.work import ProfileBuild

_DAYS = 30 * 86_400


class _OverError(Exception):
    """The user left the shell."""


@dataclass(frozen=True)
class _ShellBuilder(Builder):
    """Builds as usual, except for one step."""

    step: str = ""

    def ingredients(self, step: Step) -> dict[str, Any]:
        """Make the key of that step unique, so that it runs even if the cache has its result."""
        own = {"shell": os.getpid()} if step.name == self.step else {}
        return {**super().ingredients(step), **own}

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        if step.name != self.step:
            return super().run(step, supplies, log)
        limits = replace(self.settings.limits, warn_after=_DAYS, stop_after=_DAYS)
        patient = LocalExecutor(replace(self.settings, limits=limits), self.store, self.say)
        ours = (os.dup(0), os.dup(1))  # 0 and 1 are other files in the process that starts the sandbox.
        try:
            patient.run(step, supplies, log.with_name("shell.log"), ours)
        finally:
            for descriptor in ours:
                os.close(descriptor)
        raise _OverError


def require_terminal() -> None:
    """Raises DebateError if there is a terminal to read from, and none to write to."""
    if os.isatty(0) and not os.isatty(1):
        raise DebateError(
            "standard input is a terminal, but standard output is not",
            "use a terminal for both, or give it commands: echo COMMANDS | doit shell:…",
            place="shell",
        )


def shell(build: ProfileBuild, step: str) -> None:
    """Run ``step`` of a profile up to its shell, on the terminal or with commands from standard input.

    Raises DebateError if the sandbox cannot be made.
    """
    old = build.builder
    sys.stdout.flush()
    builder = _ShellBuilder(old.settings, old.store, old.say, old.remote, step=step)
    with contextlib.suppress(_OverError):
        replace(build, builder=builder, refresh=True).make(step)
