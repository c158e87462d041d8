"""Records: small JSON files that name a step's outputs by digest, for what comes after it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from debate.cache.store import Store
from debate.errors import DebateError
from debate.host.files import write_atomically
from debate.model import Artifact, Result

Report = dict[str, Any]
"""What a step says of itself to the reporter, as JSON values.

``source`` and ``seconds`` of its result, ``log`` that this run wrote, ``note``, ``why`` it ran (`reasons.Reason`),
``lines`` to show below, ``made`` for what a build made.
"""


class Records:
    """The JSON files of one output directory, by their names without ``.json``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, name: str) -> Any:
        """What a step wrote. Raises DebateError where it is missing or damaged. Never changes anything."""
        return read_json(self.directory / f"{name}.json")

    def save(self, name: str, value: Any) -> None:
        """Write a file, unless it says the same already."""
        save_json(self.directory / f"{name}.json", value)


def report_of(result: Result) -> Report:
    """What the reporter shows of a result."""
    return {"source": result.source, "seconds": result.seconds, **({"log": result.log} if result.log else {})}


def trace_of(result: Result) -> dict[str, Any]:
    """How a result came to be, for whoever asks later."""
    how = ("step", "key", "ingredients", "cached", "source", "seconds")
    return {name: getattr(result, name) for name in how}


def record_of(outputs: Mapping[str, Artifact]) -> dict[str, Any]:
    return {"format": 1, "outputs": {name: asdict(a) for name, a in sorted(outputs.items())}}


def outputs_of(record: Any) -> dict[str, Artifact]:
    """The artifacts that a record names. Raises DebateError where it is no record."""
    try:
        return msgspec.convert(record["outputs"], dict[str, Artifact])
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise DebateError(f"a record is damaged: {error}", "run the same command again") from None


def present(store: Store, records: Iterable[Path]) -> bool:
    """Tell if everything that the records name is in the store."""
    try:
        return all(store.has(artifact) for record in records for artifact in outputs_of(read_json(record)).values())
    except (OSError, DebateError):
        return False


def read_json(path: Path) -> Any:
    """A file that an earlier step wrote. Raises DebateError where it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DebateError("missing", "run the same command again", place=str(path)) from None
    except ValueError:
        raise DebateError("damaged", "delete it, and run the same command again", place=str(path)) from None


def save_json(path: Path, value: Any) -> None:
    """Write JSON, unless the file says the same already."""
    data = (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, data)
