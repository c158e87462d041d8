"""The records, slices and traces in an output directory that cannot be read: the next build writes them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from debate.errors import DebateError
from debate.history.reasons import READ
from debate.history.records import read_json
from debate.history.shapes import SHAPES
from debate.host.files import fits
from debate.trace import Trace

_OF_ALL = {"": dict, "slices/": dict, "traces/": Trace, "traces/read/": READ}
"""Directory -> the shape of its files that have none of their own."""


def damaged(output: Path) -> Iterator[Path]:
    """The damaged files of all builds in ``output``, sorted."""
    for directory, shape in _OF_ALL.items():
        for path in sorted(output.glob(f"*/{directory}*.json")):
            name = f"{directory}{path.stem}"
            try:
                value = read_json(path)
                whole = fits(value, SHAPES.get(name, shape)) and fits(value, shape)
            except (DebateError, OSError):
                whole = False
            if not whole:
                yield path
