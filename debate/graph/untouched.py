"""An item of a task's ``uptodate``: what it wrote when it ran is there, and can be read.

doit itself only checks that targets exist, so a damaged record would never be repaired.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.host import ours

if TYPE_CHECKING:
    from doit.task import Task


def untouched(task: Task, values: dict[str, Any], remembered: Mapping[str, str | Path]) -> bool:
    """True if the targets are unchanged, and what the step keeps for its next run can be read.

    ``remembered`` are the files for that, by name without ``.json``: others may write these, too, so a change does not
    matter. doit passes ``task`` and ``values``, those of the last run, by name.
    """

    def state() -> dict[str, Any]:
        return {
            "targets": {path: digest for path in task.targets if (digest := _digest(path))},
            "remembered": {name: found for name, path in remembered.items() if (found := _look(path))},
        }

    task.value_savers.append(state)
    now, then = state(), values.get("remembered")
    if values.get("targets") != now["targets"] or not isinstance(then, dict):
        return False
    changed = [name for name in remembered if name in then and then[name] != now["remembered"].get(name)]
    return all(_is_whole(name, Path(remembered[name])) for name in changed)


def _digest(path: str) -> str:
    """The digest of a target; empty if it cannot be used."""
    try:
        return keys.sha256(ours.read(Path(path)))
    except OSError:
        return ""


def _look(path: str | Path) -> list[int]:
    """What tells a change of a file, without reading it; empty if there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return []
    return [found.st_mode, found.st_uid, found.st_size, found.st_mtime_ns]


def _is_whole(name: str, path: Path) -> bool:
    from debate.history.check import is_whole

    return is_whole(name, path)
