"""An item of a task's ``uptodate``: its targets are unchanged since it ran.

doit itself only checks that targets exist, so a damaged record would never be repaired.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.host import ours

if TYPE_CHECKING:
    from doit.task import Task


def untouched(task: Task, values: dict[str, Any]) -> bool:
    """True if the targets are unchanged. doit passes both parameters by name; ``values`` are those of the last run."""

    def state() -> dict[str, Any]:
        return {"targets": {path: digest for path in task.targets if (digest := _digest(path))}}

    task.value_savers.append(state)
    return bool(values.get("targets") == state()["targets"])


def _digest(path: str) -> str:
    """The digest of a target; empty if it cannot be used."""
    try:
        return keys.sha256(ours.read(Path(path)))
    except OSError:
        return ""
