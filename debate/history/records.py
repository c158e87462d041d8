"""Records: small JSON files that name a step's outputs by digest, for what comes after it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate.artifact import Artifact
from debate.cache.store import Store
from debate.errors import DebateError
from debate.host.files import write_atomically

if TYPE_CHECKING:
    from debate.model import Result

Report = dict[str, Any]
"""What a step tells the reporter, as JSON values.

``source`` and ``seconds`` of its result, the ``log`` that this run wrote, ``note``, ``why`` it ran (`reasons.Reason`),
``lines`` to show below, ``made`` for what a build made.
"""


class Records:
    """The JSON files of one output directory, by their names without ``.json``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, name: str) -> Any:
        """What a step wrote. Raises DebateError where it is missing or damaged."""
        return read_json(self.directory / f"{name}.json")

    def save(self, name: str, value: Any) -> None:
        """Write a file, unless it says the same already."""
        save_json(self.directory / f"{name}.json", value)


def report_of(result: Result) -> Report:
    """The part of a report that follows from a result; it has a log only where this run wrote one."""
    return {"source": result.source, "seconds": result.seconds, **({"log": result.log} if result.log else {})}


def trace_of(result: Result) -> dict[str, Any]:
    """How a result came to be, for whoever asks later."""
    how = ("step", "key", "ingredients", "cached", "source", "seconds")
    return {name: getattr(result, name) for name in how}


def record_of(outputs: Mapping[str, Artifact]) -> dict[str, Any]:
    return {"format": 1, "outputs": {name: asdict(a) for name, a in sorted(outputs.items())}}


def outputs_of(record: Any, place: str = "record") -> dict[str, Artifact]:
    """The outputs that a record names. Raises DebateError, at ``place``, for a damaged one."""
    try:
        outputs = {str(name): Artifact(**fields) for name, fields in record["outputs"].items()}
        whole = all(_DIGEST.fullmatch(one.digest) and type(one.size) is int for one in outputs.values())
    except (AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise DebateError("damaged", AGAIN, place=place)
    return outputs


_DIGEST = re.compile("sha256:[0-9a-f]{64}")
AGAIN = "run the same command again"
"""What to do about a record that is missing or damaged: the step that writes it runs first."""


def present(store: Store, records: Iterable[Path]) -> bool:
    """Everything that the records name is in the store. A damaged record names nothing that could be there."""
    try:
        return all(store.has(artifact) for record in records for artifact in outputs_of(read_json(record)).values())
    except (OSError, DebateError):
        return False


def read_json(path: Path) -> Any:
    """The JSON object that an earlier step wrote. It is never altered here, as commands that only look read it, too.

    Raises DebateError where it is missing or damaged. The step that writes it is not up to date then: see
    `debate.graph.untouched`.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DebateError("missing", AGAIN, place=str(path)) from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DebateError("damaged", AGAIN, place=str(path))
    return value


def save_json(path: Path, value: Any) -> None:
    """Write a record, unless the file says the same already."""
    data = (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, data)
