"""Whatever is in a lock file, it is read, or refused with the line: `tests/unit/profile/test_lockfile.py` has more."""

from __future__ import annotations

import json
import re
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import DebateError
from debate.profile.lockfile import differences, packages_of, read, to_text
from tests.bounded import bounded
from tests.conftest import MEMORY, many
from tests.unit import damage
from tests.unit.profile.test_lockfile import PACKAGE, lock

SIGNED = {**PACKAGE, "name": "wget", "sha256": "b" * 64, "path": "pool/w.deb", "signature": "c2ln", "essential": True}
WHOLE = lock(
    PACKAGE,
    SIGNED,
    indexes={"digest": f"sha256:{'c' * 64}", "size": 7},
    archives=[{"archive": "debian", "suite": "trixie", "date": "2026-01-01T00:00:00Z"}],
)


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name) / "x.lock.json"


def check(path: Path, data: bytes) -> bool:
    """True if ``data`` is a lock. Asserts that it names nothing then but what it may."""
    path.write_bytes(data)
    problems = None
    try:
        with bounded():
            found = read(path)
            differences(WHOLE, found)
            differences(found, WHOLE)
    except DebateError as error:
        problems = error.problems
    if problems is not None:
        assert problems
        for problem in problems:
            assert problem.place is not None
            assert problem.place.file == str(path)
            assert 1 <= (problem.place.line or 0) <= data.count(b"\n") + 1
            assert problem.remedy
        return False
    for package in packages_of(found):
        words = [value for value in vars(package).values() if isinstance(value, str) and value]
        assert all(re.fullmatch(r"[A-Za-z0-9@~_+/][!-~]*", word) for word in words)
        assert 0 < package.size < 1 << 40
        assert not {"", ".", ".."} & set(urllib.parse.unquote(package.path).split("/"))
    path.write_text(to_text(found))
    assert read(path) == found
    return True


@many(1500)
@given(data=damage.mutants(WHOLE) | st.sampled_from(list(damage.CONTENTS.values())) | st.binary(max_size=99))
def test_locks(path: Path, data: bytes) -> None:
    check(path, data)


def test_unchanged_it_is_one(path: Path) -> None:
    """Or the test above would show nothing."""
    assert check(path, json.dumps(WHOLE).encode())
    assert check(path, to_text(WHOLE).encode())
