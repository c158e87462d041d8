"""Whatever can be in the place of a file or in it, for tests of what reads the file."""

from __future__ import annotations

import copy
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from debate.host.ours import MOST


def _listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def _fill(path: Path) -> None:
    (path / "a" / "b").mkdir(parents=True)
    (path / "a" / "file").write_text("x")


def _grow(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, MOST + 1)


PLACES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None, "a directory": Path.mkdir, "a full directory": _fill, "a pipe": os.mkfifo,
    "a socket": _listen, "a link": lambda path: path.symlink_to("/etc/hostname"), "a huge file": _grow,
    "a link to nothing": lambda path: path.symlink_to(path.parent / "no-such-file"),
    "a link to a directory": lambda path: path.symlink_to("/usr"),
    "a link to itself": lambda path: path.symlink_to(path),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
}  # fmt: skip
"""What else can be where a file was."""

CONTENTS: dict[str, bytes] = {
    "empty": b"", "null": b"null", "a list": b"[]", "an empty object": b"{}", "another object": b'{"x": 1}',
    "NUL": bytes(100),
    "not UTF-8": b'{"\xff": 1}', "deep": b'{"a": ' + b"[" * 100_000, "twice": b'{"outputs": {}, "outputs": {}}',
    "NaN": b'{"seconds": NaN}', "half a pair": b'{"step": "\\ud800"}', "text": b"x" * 4096,
}  # fmt: skip
"""What else can be in a file."""

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**18, "", "x", "../../x", "a" * 70, "sha256:" + "0" * 64, [], [1], {}, {"x": 1}, [{}],
    {"": None},
)  # fmt: skip
"""What else can be at a place of a JSON value."""


def put(path: Path, kind: str) -> None:
    """Put one of `PLACES` in the place of a file."""
    clear(path)
    PLACES[kind](path)


def clear(path: Path) -> None:
    """Remove whatever is at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value below a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in items:
        yield (*path, name)
        yield from paths(below, (*path, name))


@st.composite
def mutants(draw: st.DrawFn, whole: Any) -> bytes:
    """The JSON of ``whole`` with values that are missing, other or additional, or with other bytes."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(0, 2))):
        at, places = value, list(paths(value))
        if not places:
            break
        *above, name = draw(st.sampled_from(places))
        for step in above:
            at = at[step]
        match draw(st.sampled_from(("other", "missing", "more"))):
            case "other":
                at[name] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case "missing":
                del at[name]
            case "more" if isinstance(at, dict):
                at[draw(st.sampled_from(("x", "", "outputs", "key")))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    data = json.dumps(value).encode()
    match draw(st.sampled_from(("whole", "whole", "whole", "cut", "bytes"))):
        case "cut":
            data = data[: draw(st.integers(0, len(data)))]
        case "bytes":
            start = draw(st.integers(0, max(0, len(data) - 1)))
            data = data[:start] + draw(st.binary(max_size=4)) + data[start + draw(st.integers(0, 4)) :]
    return data
