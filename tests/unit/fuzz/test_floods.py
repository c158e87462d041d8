"""JSON of others with as many values as its reader takes bytes: it is read or refused, in little time and memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from debate import keys
from debate.cache.action import Action
from debate.errors import DebateError
from debate.frontend.database import checked
from debate.history.check import is_whole
from debate.history.records import read_json
from debate.host import ours
from debate.host.files import read_object
from debate.profile import files, lockfile
from debate.remote import statements
from tests.bounded import bounded
from tests.unit.text.test_strict_json import MANY, filled


def manifest(data: bytes) -> bytes:
    """One whose statement is ``data``."""
    return json.dumps({"config": {"data": base64.b64encode(data).decode(), "digest": keys.sha256(data)}}).encode()


def statement(data: bytes) -> object:
    return statements.read(data, statements.ACTION, "0" * 64, "", 1 << 30)


READERS: dict[str, tuple[int, Callable[[Path], object]]] = {
    "a lock": (files.MAX_LOCK, lockfile.read),
    "a record": (ours.MOST, read_json),
    "an object": (ours.MOST, read_object),
    "a lock that a build left": (ours.MOST, lambda path: is_whole("lock", path)),
    "a trace": (ours.MOST, lambda path: is_whole("traces/iso", path)),
    "an action": (8 << 20, lambda path: Action.from_json("0" * 64, path.read_bytes())),
    "a manifest": (4 << 20, lambda path: statement(path.read_bytes())),
    "a statement": (3 << 20, lambda path: statement(manifest(path.read_bytes()))),
    "a row of doit's database": (64 << 20, lambda path: checked(path.read_bytes())),
}
"""What is read: its bytes, and who reads it."""


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("reader", READERS)
def test_a_flood(tmp_path: Path, reader: str, kind: str) -> None:
    size, read = READERS[reader]
    around, one, tokens = MANY[kind]
    path = tmp_path / "x.json"
    for number in (250_000 // tokens, min(size // (len(one) + 5), 2_000_000)):
        path.write_bytes(filled(around, one, number))
        with bounded(), suppress(DebateError, statements.UntrustedError, ValueError):
            read(path)
