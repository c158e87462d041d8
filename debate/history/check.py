"""The records, slices and traces in an output directory that cannot be read: the next build writes them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from debate.cache import outputs
from debate.errors import DebateError
from debate.history.reasons import READ
from debate.history.records import read_json
from debate.history.shapes import SHAPES
from debate.host import ours
from debate.host.files import fits
from debate.trace import Trace

_OF_ALL: dict[str, Any] = {"": dict, "slices/": dict, "traces/": Trace, "traces/read/": READ}
"""Directory -> the shape of its files that have none of their own."""


def damaged(output: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """The damaged files of all builds in ``output``. ``say`` gets a line about each directory that is passed over.

    What has no traces is no build, and may be anything.
    """
    for build in outputs.builds(output, say):
        for directory in _OF_ALL if ours.is_directory(build / "traces") else ():
            for path in outputs.files(build, directory, say):
                if not is_whole(f"{directory}{path.stem}", path):
                    yield path


def is_whole(name: str, path: Path) -> bool:
    """True if the file ``path`` can be read and has the shape of what has this ``name``, without ``.json``."""
    shape = _OF_ALL[name.rpartition("/")[0] + "/" if "/" in name else ""]
    try:
        value = read_json(path)
    except (DebateError, OSError):
        return False
    return fits(value, SHAPES.get(name, shape)) and fits(value, shape)
