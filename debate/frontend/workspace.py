"""A workspace: a directory with ``profiles/`` or ``debate.toml``, anywhere, and its tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from debate.errors import DebateError
from debate.frontend.config import doit_config
from debate.graph.tasks import Graph
from debate.settings import marks
from debate.text.printable import quoted


def tasks(root: str | Path) -> dict[str, Any]:
    """The names that a dodo.py has: those of the workspace ``root``, a directory or a file in it."""
    path = Path(root)
    graph = Graph(path if path.is_dir() else path.parent)

    def task_steps() -> Iterator[dict[str, Any]]:
        """from a profile to its ISO: one task STEP:NAME for each rule and each profile"""
        yield from graph.steps()

    def task_commands() -> Iterator[dict[str, Any]]:
        """commands that are not part of the build graph: COMMAND, or COMMAND:NAME for a profile"""
        yield from graph.commands()

    return {
        "GRAPH": graph,
        "DOIT_CONFIG": doit_config(graph, default_tasks=["profiles"]),
        "task_steps": task_steps,
        "task_commands": task_commands,
    }


def find(start: Path) -> Path:
    """The workspace in which ``start`` is. Raises DebateError if there is none.

    One above ``start`` decides what root does, so it counts only if no stranger can have put it there: in /tmp, anyone
    could.
    """
    for root in (start, *start.parents):
        found = marks(root)
        if found and root != start:
            ours = {0, os.geteuid(), start.stat().st_uid}
            for mark in found:
                if mark.lstat().st_uid not in ours:
                    fact = f"{quoted(str(root))} is the workspace here, and {mark.name} in it belongs to another user"
                    raise DebateError(fact, "stand in that directory if you trust it", place=str(mark))
        if found:
            return root
    fact = "no workspace here or above: a directory with profiles/ or debate.toml"
    raise DebateError(fact, "`debate init` makes one here", place=str(start))
