"""What runs a step: here, or on another machine. A step is pure data, so that either can."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from debate.model import Artifact, Step, Supplies


class Executor(Protocol):
    """Runs steps in sandboxes."""

    def run(self, step: Step, supplies: Supplies, log: Path, shell: tuple[int, ...] = ()) -> Mapping[str, Artifact]:
        """The outputs of ``step``, which are in the store then. Raises DebateError.

        ``supplies`` is what the step needs of this host. ``log`` is the file for what the step says. ``shell`` has
        the file descriptors of an input and an output for a shell that is opened at the step's end instead.
        """
