"""Outputs, taken from a command's standard output or out of a directory that untrusted code has written."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from debate import keys
from debate.host.run import die_with_parent
from debate.model import Artifact
from debate.sandbox.outputs import copy, take


def test_what_it_says_is_taken(tmp_path: Path) -> None:
    """All output is copied, also after a pause, and the exit status is returned."""
    target = tmp_path / "out" / "iso"
    argv = ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; sleep 0.2; echo end; exit 3"]
    wanted = b"x" * 3_000_000 + b"end\n"
    assert take(argv, target, len(wanted), die_with_parent) == (3, Artifact(keys.sha256(wanted), len(wanted)))
    assert target.read_bytes() == wanted


def test_nothing_is_said(tmp_path: Path) -> None:
    assert take(["true"], tmp_path / "iso", 0, die_with_parent) == (0, Artifact(keys.sha256(b""), 0))


@pytest.mark.parametrize("script", ["exec yes", "head -c 11 /dev/zero; exec sleep 600"])
def test_more_than_it_may(tmp_path: Path, script: str) -> None:
    """It is stopped, and not waited for."""
    started = time.monotonic()
    with pytest.raises(OSError, match=r"larger than 10 bytes \(DEBATE_BYTES\)"):
        take(["sh", "-c", script], tmp_path / "iso", 10, die_with_parent)
    assert time.monotonic() - started < 300


def test_a_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    assert copy(tmp_path, "a", tmp_path / "out" / "a", 4) == Artifact(keys.sha256(b"data"), 4)
    assert (tmp_path / "out" / "a").read_bytes() == b"data"


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "gone"])
def test_anything_else_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    make = {"link": lambda: path.symlink_to("/etc/shadow"), "pipe": lambda: os.mkfifo(path), "directory": path.mkdir}
    make.get(kind, lambda: None)()
    with pytest.raises(OSError, match=r"not a regular file|symbolic links|Is a directory|No such file"):
        copy(tmp_path, "a", tmp_path / "out", 1 << 30)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"12345", b""], ids=["data", "a hole"])
def test_a_file_of_more_than_it_may(tmp_path: Path, data: bytes) -> None:
    """A hole takes no space where it is, and all of it where it is copied to."""
    (tmp_path / "a").write_bytes(data)
    os.truncate(tmp_path / "a", len(data) or 1 << 40)
    with pytest.raises(OSError, match=r"larger than 4 bytes \(DEBATE_BYTES\)"):
        copy(tmp_path, "a", tmp_path / "out", 4)
    assert not (tmp_path / "out").exists()
