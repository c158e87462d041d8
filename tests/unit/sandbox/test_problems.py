"""What is read of the channel on which a sandbox complains: whatever is written there, nothing but bounded text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import Complaint
from debate.sandbox import problems
from tests.conftest import ROOT

GOOD = b"users\0live\0no shell\0add it\0"
FOUND = Complaint("users", "live", "no shell", "add it")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_the_shell_function(tmp_path: Path, shell: str) -> None:
    """Written by sandbox/problem.sh, read here."""
    script = (ROOT / "sandbox" / "problem.sh").read_text().replace(problems.PATH, str(tmp_path / "problems"))
    script += """
set -eu
stop_on_problems
problem users live 'no shell' 'add it'
problem '' '' "a
b  %s \\\\0"
stop_on_problems
echo not reached
"""
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert problems.read(tmp_path / "problems") == ([FOUND, Complaint("", "", "a?b  %s \\0")], 0)


@pytest.mark.parametrize(
    ("data", "found", "unread"),
    [
        (b"", [], 0),
        (GOOD, [FOUND], 0),
        (GOOD + GOOD, [FOUND], 0),
        (GOOD[:-1], [], 2),
        (GOOD + b"users\0live\0", [FOUND], 1),
        (GOOD + b"rest", [FOUND], 1),
        (b"users\0live\0\0add it\0" + GOOD, [FOUND], 1),
        (b"users\0li\xffve\0no shell\0\0" + GOOD, [FOUND], 1),
        (b"initrd.hooks\0live\0no shell\0add it\0", [Complaint("initrd.hooks", "live", "no shell", "add it")], 0),
        (b"..\0\0no shell\0\0.x\0\0no shell\0\0x.\0\0no shell\0\0a.b.c\0\0no shell\0\0", [], 4),
        (b"../x: y\0\0no shell\0\0" + GOOD, [FOUND], 1),
        (b"users\0\0" + b"x" * 4097 + b"\0\0" + GOOD, [FOUND], 1),
        (b"users\0\0\x1b[31m\xe2\x80\xae\n::error::\0\0", [Complaint("users", "", "?[31m??::error::")], 0),
        (b"\0http://m.example/x\0no\0\0", [Complaint("", "http://m.example/x", "no")], 0),
        (b"\0profiles/x.yaml\0no\0\0" + GOOD, [FOUND], 1),  # would be an annotation of that file
        (b"\0/etc/passwd\0no\0\0\0http://m.example/x y\0no\0\0", [], 2),
        (bytes(1 << 20), [], 1 << 18),
    ],
)
def test_what_is_read(data: bytes, found: list[Complaint], unread: int) -> None:
    assert problems.parse(data) == (found, unread)


def test_bounds(tmp_path: Path) -> None:
    path = tmp_path / "problems"
    path.write_bytes(b"".join(b"users\0\0%d\0\0" % number for number in range(60)))
    found, unread = problems.read(path)
    assert ([complaint.fact for complaint in found], unread) == ([str(number) for number in range(50)], 10)
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert problems.read(path)[0] == found, "a file as large as one likes is not read whole"


PIECES = st.sampled_from([b"\0", b"users", b"\n", b"\xff", b"\x1b", "\u202e".encode(), b"::error::", b"x" * 5000])


@given(st.lists(PIECES).map(b"".join))
def test_whatever_is_written_gives_plain_text(data: bytes) -> None:
    found, unread = problems.parse(data)
    assert unread >= 0
    assert len(found) <= 50
    for complaint in found:
        assert complaint.fact
        assert all(text.isprintable() for text in vars(complaint).values())
