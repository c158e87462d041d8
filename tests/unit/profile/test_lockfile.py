"""Locks are read as what people may have made of them, and differences are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from debate.errors import DebateError
from debate.profile.lockfile import differences, read, to_text

PACKAGE = {
    "name": "curl", "version": "8.14.1-2+b1", "architecture": "amd64", "repository": "debian",
    "path": "pool/main/c/curl/curl_8.14.1-2+b1_amd64.deb", "size": 5, "sha256": "a" * 64,
}  # fmt: skip


def lock(*packages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    top = {"format": 1, "distribution": "debian", "release": "trixie", "architecture": "amd64", "request": "sha256:0"}
    return {**top, "packages": list(packages), **fields}


def test_a_lock_that_was_written_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "l").write_text(to_text(lock(PACKAGE)))
    assert read(tmp_path / "l") == lock(PACKAGE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lock(), "field 'packages' is missing"),
        (lock(PACKAGE, format=2), "not a lock of format 1"),
        (lock(PACKAGE, release=None), "field 'release' is missing"),
        (lock(PACKAGE, PACKAGE), "package 'curl' is listed twice"),
        (lock({**PACKAGE, "sha256": "b"}), "package 'curl': field 'sha256' is 'b'"),
        (lock({**PACKAGE, "path": "../../etc/passwd"}), "field 'path' is '../../etc/passwd'"),
        (lock({**PACKAGE, "path": "a b"}), "field 'path' is 'a b'"),
        (lock({**PACKAGE, "name": "curl\n-o"}), "field 'name' is"),
        (lock({**PACKAGE, "size": 0}), "field 'size' is 0"),
        (lock({**PACKAGE, "more": 1}), "package 1 lacks fields or has unknown ones"),
        ([], "not a lock of format 1"),
    ],
)
def test_a_damaged_lock_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "l").write_text(json.dumps(content))
    with pytest.raises(DebateError) as caught:
        read(tmp_path / "l")
    assert message in str(caught.value)
    assert str(caught.value).endswith("restore it from git, or delete it and build")


def test_a_merge_conflict_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("{\n<<<<<<< ours\n")
    with pytest.raises(DebateError, match=r"l:2: not JSON"):
        read(tmp_path / "l")


def test_differences() -> None:
    old = lock(PACKAGE, {**PACKAGE, "name": "gone"}, {**PACKAGE, "name": "same"})
    new = lock({**PACKAGE, "version": "9"}, {**PACKAGE, "name": "new"}, {**PACKAGE, "name": "same", "sha256": "b" * 64})
    assert list(map(str, differences(old, new))) == [
        "~ curl 8.14.1-2+b1 -> 9",
        "- gone 8.14.1-2+b1",
        "+ new 8.14.1-2+b1",
        "~ same 8.14.1-2+b1 (same version, other file)",
    ]
