"""The interface of what runs a step, here or on another machine: a step is pure data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from debate.model import Artifact, Step, Supplies


class Executor(Protocol):
    """Runs steps in sandboxes."""

    def run(self, step: Step, supplies: Supplies, log: Path, shell: tuple[int, ...] = ()) -> Mapping[str, Artifact]:
        """Run ``step`` and put its outputs into the store. Raises DebateError.

        ``supplies`` is what the step needs from this host. ``log`` is the file for its output. ``shell``, if given,
        has the input and output file descriptors of a shell, which is opened instead of packing the outputs.
        """
