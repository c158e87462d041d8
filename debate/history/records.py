"""Records: small JSON files that name a step's outputs by digest, for later steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.artifact import Artifact
from debate.errors import DebateError
from debate.host import ours
from debate.host.beneath import RefusedError
from debate.host.files import fits, write_atomically
from debate.text import strict_json
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.model import Result

Report = dict[str, Any]
"""What a step passes to the reporter, as JSON values.

``source`` and ``seconds`` of its result, the ``log`` that this run wrote, a ``note``, ``why`` it ran
(`reasons.Reason`), ``lines`` to show below, and ``made``, a list with what a build left of each image.
"""


class Records:
    """The JSON files of one output directory, by name without ``.json``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, name: str) -> Any:
        """Read a file. Raises DebateError if it is missing, damaged, or not of its shape in `debate.history.shapes`."""
        path = self.directory / f"{name}.json"
        from debate.history.shapes import SHAPES

        value = read_json(path)
        if name in SHAPES and not fits(value, SHAPES[name]):
            raise DebateError("damaged", AGAIN, place=shown(path))
        return value

    def save(self, name: str, value: Any) -> None:
        """Write a file, unless its content is the same. Traces are long, and on one line they are made much faster."""
        save_json(self.directory / f"{name}.json", value, indent=None if name.startswith("traces/") else 1)


def report_of(result: Result) -> Report:
    """The part of a report that follows from a result; it has a log only where this run wrote one."""
    return {"source": result.source, "seconds": result.seconds, **({"log": result.log} if result.log else {})}


def trace_of(result: Result) -> dict[str, Any]:
    """How a result was made, and the outputs that belong to its key."""
    how = ("step", "key", "ingredients", "cached", "source", "seconds", "origin", "signer")
    return {**{name: getattr(result, name) for name in how}, "outputs": record_of(result.outputs)["outputs"]}


def record_of(outputs: Mapping[str, Artifact]) -> dict[str, Any]:
    return {"format": 1, "outputs": {name: asdict(a) for name, a in sorted(outputs.items())}}


class _Outputs(dict[str, Artifact]):
    """Outputs by name. A missing one is an error of the record at ``place``."""

    def __init__(self, outputs: Mapping[str, Artifact], place: str) -> None:
        super().__init__(outputs)
        self.place = place

    def __missing__(self, name: str) -> Artifact:
        raise DebateError(f"damaged: it has no output {name!r}", AGAIN, place=self.place)


def outputs_of(record: Any, place: str = "record") -> dict[str, Artifact]:
    """The outputs that a record names. Raises DebateError, at ``place``, if it is damaged or has no such output."""
    try:
        outputs = {str(name): Artifact.from_json(fields) for name, fields in record["outputs"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DebateError("damaged", AGAIN, place=place) from None
    return _Outputs(outputs, place)


def key_of(trace: Mapping[str, Any], place: str) -> str:
    """The key of a step in its trace; it becomes a path in the cache. Raises DebateError, at ``place``, if damaged."""
    key = trace.get("key")
    if not keys.is_key(key):
        raise DebateError("damaged", AGAIN, place=place)
    return str(key)


AGAIN = "run the same command again"
"""Remedy for a missing or damaged record: the step that writes it runs first then."""


def present(store: Store, records: Iterable[Path]) -> bool:
    """True if the store has every output that the records name. False if a record is damaged."""
    try:
        return all(store.has(artifact) for record in records for artifact in outputs_of(read_json(record)).values())
    except (OSError, DebateError):
        return False


def read_json(path: Path) -> Any:
    """The JSON object that an earlier step wrote. The file is never changed, since read-only commands use this too.

    Raises DebateError if it is missing, damaged or not ours. The step that writes it is not up to date then: see
    `debate.graph.untouched`.
    """
    try:
        return strict_json.decode(ours.read(path), strict_json.MOST_OF_RECORD)
    except FileNotFoundError:
        raise DebateError("missing", AGAIN, place=shown(path)) from None
    except RefusedError as error:
        raise DebateError(str(error.strerror), AGAIN, place=shown(path)) from None
    except PermissionError:
        raise
    except (OSError, ValueError):
        raise DebateError("damaged", AGAIN, place=shown(path)) from None


def save_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write a record, unless the content of the file is the same."""
    data = (json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False) + "\n").encode()
    try:
        if ours.read(path) == data:
            return
    except OSError:
        pass
    write_atomically(path, data)
