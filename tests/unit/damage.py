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


Changes = tuple[list[tuple[int, str, Any, str]], str, int, bytes]
CHANGES: st.SearchStrategy[Changes] = st.tuples(
    st.lists(
        st.tuples(
            st.integers(0, 1 << 16),
            st.sampled_from(("other", "missing", "more")),
            st.sampled_from(VALUES),
            st.sampled_from(("x", "", "outputs", "key")),
        ),
        max_size=2,
    ),
    st.sampled_from(("whole", "whole", "whole", "cut", "bytes")),
    st.integers(0, 1 << 20),
    st.binary(max_size=4),
)
"""What `changed` does to a JSON value and to its text, whatever they are: positions count modulo their number."""


def changed(whole: Any, changes: Changes) -> bytes:
    """The JSON of ``whole`` with values that are missing, other or additional, or with other bytes."""
    value = copy.deepcopy(whole)
    values, how, start, piece = changes
    for number, what, other, more in values:
        places = list(paths(value))
        if not places:
            break
        *above, name = places[number % len(places)]
        at = value
        for step in above:
            at = at[step]
        if what == "other":
            at[name] = copy.deepcopy(other)
        elif what == "missing":
            del at[name]
        elif isinstance(at, dict):
            at[more] = copy.deepcopy(other)
    data = json.dumps(value).encode()
    start %= len(data) + 1
    if how == "cut":
        return data[:start]
    return data[:start] + piece + data[start + len(piece) :] if how == "bytes" else data


def mutants(whole: Any) -> st.SearchStrategy[bytes]:
    """What can become of the JSON of ``whole``."""
    return CHANGES.map(lambda changes: changed(whole, changes))
