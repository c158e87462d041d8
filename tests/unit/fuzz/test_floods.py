"""What others made, with as many values as its reader takes bytes: it is read or refused, in little time and memory.

JSON, and what the host reads of what sandboxes leave, which a remote may have sent.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from debate import keys, managers
from debate.cache.action import Action
from debate.cache.store import Store
from debate.errors import DebateError
from debate.frontend.database import checked
from debate.history.check import is_whole
from debate.history.records import read_json
from debate.host import ours
from debate.host.files import read_object
from debate.managers.interface import INDEX_BYTES, STANZA_BYTES, Mirrors
from debate.model import Artifact, Locked
from debate.profile import files, lockfile
from debate.remote import statements
from debate.steps import installed, lock, packages, secrets
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
    for number in (250_000 // tokens, min(size // len(one % 0 if "%" in one else one), 2_000_000)):
        path.write_bytes(filled(around, one, number))
        with bounded(), suppress(DebateError, statements.UntrustedError, ValueError):
            read(path)


# What a sandbox left -----------------------------------------------------------------------------------------------

APT, PACMAN = managers.get("debian"), managers.get("arch")
DEB = Locked("a", "1", "all", "debian", "p", 5, "1" * 64)
PKG = Locked("a", "1-1", "any", "arch", "core/a-1-1-any.pkg.tar.zst", 5, "1" * 64, "c2ln")
CONTROL = b"Package: a\nVersion: 1\nArchitecture: all\n"
DESC = b"#\n%NAME%\na\n\n%VERSION%\n1-1\n\n%ARCH%\nany\n\n"
MIRRORS = Mirrors({"debian": "http://m.example/debian", "arch": "http://m.example/arch"}, {})
OWN = APT.index([(DEB, CONTROL)]).partition(b"Filename")[2]


def resolved(store: Store, left: Artifact) -> list[str]:
    return [line[0] for line in lock._RESOLVED.read(store, left)]


LEFT: dict[str, tuple[int, Callable[[Store, Artifact], object]]] = {
    "what was found": (secrets._BYTES, secrets.read),
    "what is installed": (16 << 20, lambda store, left: installed.installed(store, left, [DEB])),
    "a list of the tools tree": (16 << 20, installed.tools),
    "what was selected": (16 << 20, packages._SELECTED.read),
    "what was resolved": (16 << 20, lambda store, left: APT.read_resolved(resolved(store, left), MIRRORS)),
    "what pacman resolved": (16 << 20, lambda store, left: PACMAN.read_resolved(resolved(store, left), MIRRORS)),
    "archives": (16 << 20, lock._ARCHIVES.read),
    "an index of apt": (INDEX_BYTES, lambda store, left: APT.is_index(store.read(left, INDEX_BYTES), [DEB])),
    "an index of pacman": (INDEX_BYTES, lambda store, left: PACMAN.is_index(store.read(left, INDEX_BYTES), [PKG])),
}  # fmt: skip
"""The bytes of an output, and who reads it."""
FILLED = {
    "nothing": b"\0", "line ends": b"\n", "empty lines": b"\n\n", "spaces": b" \n", "short lines": b"a\t1\n",
    "packages": b"a\t1\ta\ta\t1\n", "digests": b"0123456789abcdef" * 4 + b"\n", "archives": b"a b c\n",
    "files": b"\0a\0" + b"0" * 64 + b"\0\0", "files that were not read": b"x\0a\0\0\0", "an endless path": b"a/",
    "not UTF-8": b"\xff\n", "fields": b"Package: a\n", "continued": b" a\n", "sections": b"%NAME%\na\n\n",
    "an endless line": b"a",
}  # fmt: skip
"""What there can be many of."""


class Held(Store):
    """One that has its only object in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = Artifact("sha256:" + "0" * 64, len(data))

    def read(self, artifact: Artifact, most: int, *, cut: bool = False) -> bytes:
        assert artifact.size <= most
        assert not cut
        return self.data


@functools.lru_cache(maxsize=2)
def flood(before: str, kind: str, most: int) -> bytes:
    """The same for most readers."""
    start = before.encode()
    return start + FILLED[kind] * ((most - len(start)) // len(FILLED[kind]))


@pytest.mark.parametrize("reader", sorted(LEFT, key=lambda reader: LEFT[reader][0]))
@pytest.mark.parametrize("kind", FILLED)
def test_a_flood_from_a_sandbox(reader: str, kind: str) -> None:
    """With a character that makes Python take four bytes for each of a text, or without."""
    most, read = LEFT[reader]
    for before in ("", "\U0001f600\n"):
        store = Held(flood(before, kind, most))
        with bounded(), suppress(DebateError):
            read(store, store.left)


@pytest.mark.parametrize("middle", ["Section: \n", "Depends: " + "a, " * 99 + "\n", "x", " a\n", "Package: a\n"])
def test_a_flood_within_an_index(middle: str) -> None:
    """It begins and ends as it must."""
    text = middle.encode()
    index = b"Package: a\n" + text * ((INDEX_BYTES - 1000) // len(text)) + b"\nFilename" + OWN
    with bounded():
        assert not APT.is_index(index, [DEB])


@pytest.mark.parametrize("manager", [APT, PACMAN])
@pytest.mark.parametrize("more", [
    b" a\n", b" \n", b"\t.\n", b"A: b\n", b"%DEPENDS%\na\n\n", b"a\n", b"\n", b"\n\n", b"a", b"\xff", b"%", b"#",
    b"Depends: a\n a\n", b"initrd ", b"Provides: a (= 1)\n , a\n",
])  # fmt: skip
@pytest.mark.parametrize("field", [b"", b"Depends: a", b"Description: x", b"X-Debate-Holds: initrd", b"%DEPENDS%\n"])
def test_a_flood_of_control_data(manager: Any, more: bytes, field: bytes) -> None:
    """It has a maximum size, and all of it is read in one pass."""
    package, good = (DEB, CONTROL) if manager is APT else (PKG, DESC)
    before = good + field + b"\n"
    stanza = before + more * ((STANZA_BYTES - len(before)) // len(more))
    with bounded():
        if not manager.fault(package, stanza):
            manager.holds(stanza)
            assert manager.is_index(manager.index([(package, stanza)]), [package])
