"""Records: small JSON files that name a step's outputs by digest, for what comes after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from debate.cache.store import Store
from debate.errors import DebateError
from debate.host.files import write_atomically
from debate.model import Artifact, Result

Report = dict[str, Any]
"""What a step tells the reporter: source, seconds, log, note."""


def report_of(result: Result) -> Report:
    """The part of a report that follows from a result; it has a log only where this run wrote one."""
    return {"source": result.source, "seconds": result.seconds, **({"log": result.log} if result.log else {})}


def trace_of(result: Result) -> dict[str, Any]:
    """How a result came to be, for whoever asks later."""
    how = ("step", "key", "ingredients", "cached", "source", "seconds")
    return {name: getattr(result, name) for name in how}


def record_of(outputs: Mapping[str, Artifact]) -> dict[str, Any]:
    return {"format": 1, "outputs": {name: asdict(a) for name, a in sorted(outputs.items())}}


def outputs_of(record: Any) -> dict[str, Artifact]:
    return {name: Artifact(**fields) for name, fields in record["outputs"].items()}


def present(store: Store, records: Iterable[Path]) -> bool:
    """Whether everything that the records name is in the store."""
    try:
        return all(store.has(artifact) for record in records for artifact in outputs_of(read_json(record)).values())
    except (OSError, ValueError, KeyError, TypeError, DebateError):
        return False


def read_json(path: Path) -> Any:
    """A file that an earlier step wrote. Raises DebateError where someone damaged it."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DebateError(f"{path}: missing; run the same command again") from None
    except ValueError:
        os.unlink(path)
        raise DebateError(f"{path}: damaged, now removed; run the same command again") from None


def save_json(path: Path, value: Any) -> None:
    data = (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, data)
