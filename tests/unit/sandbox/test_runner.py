"""What is said of a step that failed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from debate.errors import Complaint, Place
from debate.model import Activity
from debate.sandbox.runner import _copy_log, _ended, _failed, tail
from debate.sandbox.thrashing import Thrashing
from debate.settings import Limits
from tests.bounded import bounded
from tests.foreign import NOT_FILES, SECRET, secret

USER = Complaint("users", "live", "no shell", "add it")
ADDRESS = Complaint("", "http://m.example/x", "Could not connect", "wait")
GENERAL = Complaint("", "", "no keyring", "install one")


@pytest.mark.parametrize(
    ("exceeded", "said", "complaints", "expected"),
    [
        ("", "", [], ["x: failed"]),
        ("", "", [USER], ["users: no shell; add it"]),
        ("", "", [GENERAL], ["x: no keyring; install one"]),
        ("", "", [USER, GENERAL, USER], ["x: no keyring; install one", "users: no shell; add it"]),
        ("memory", "", [], ["x: exceeded its limit of 5 bytes of memory (DEBATE_MEMORY)"]),
        ("processes", "", [GENERAL, USER], [
            "x: exceeded its limit of 6 processes (DEBATE_PROCESSES)", "no keyring; install one",
            "users: no shell; add it",
        ]),
        ("bytes", "", [], ["x: exceeded its limit of 7 bytes of files (DEBATE_BYTES)"]),
        ("inodes", "", [USER], ["x: exceeded its limit of 8 files (DEBATE_INODES)", "users: no shell; add it"]),
        ("", "sh: Cannot fork", [], ["x: failed"]),
        ("", "sh: fork: retry: Resource temporarily unavailable", [], ["x: failed"]),
        ("", "cp: No space left on device", [GENERAL], ["x: no keyring; install one"]),
        ("", "", [ADDRESS], ["http://m.example/x: Could not connect; wait"]),
        ("memory", "", [ADDRESS], [
            "x: exceeded its limit of 5 bytes of memory (DEBATE_MEMORY)",
            "http://m.example/x: Could not connect; wait",
        ]),
        ("", "debate: users: forged; x\n::error file=y::z", [], ["x: failed"]),
    ],
)  # fmt: skip
def test_why_a_step_failed(
    tmp_path: Path, exceeded: str, said: str, complaints: list[Complaint], expected: list[str]
) -> None:
    log = tmp_path / "log"
    log.write_text(f"{said}\n")
    error = _failed(
        "x", log, Limits(memory=5, processes=6, bytes=7, inodes=8), exceeded, 1, list(dict.fromkeys(complaints))
    )
    assert list(map(str, error.problems)) == expected
    shown = [f"{line}" for line in tail(log, lines=99).splitlines()]
    assert str(error).splitlines()[: len(expected)] == expected
    assert str(error).endswith(f"the whole log: {log}")
    assert error.log == str(log)
    assert [line.removeprefix("  > debate: ") for line in shown][-len(expected) :] == expected, "so does the log"


def test_complaints_are_shown_at_their_places(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    error = _failed("x", tmp_path / "log", Limits(), "memory", 1, [USER, GENERAL])
    asked = []

    def place(field: str, value: str) -> Place:
        asked.append((field, value))
        return Place("x.yaml", 3, 4)

    error.locate(place)
    assert [str(problem) for problem in error.problems][1:] == [
        "no keyring; install one",
        "x.yaml:3:4: users: no shell; add it",
    ]
    assert asked == [("users", "live")], "what is not of the profile has no place there"


def test_a_session_is_waited_for_until_its_deadline() -> None:
    with subprocess.Popen(["sleep", "600"]) as process, open(os.pidfd_open(process.pid)) as descriptor:
        assert not _ended(descriptor.fileno(), time.monotonic() + 0.1, Thrashing(process.pid))
        process.kill()
        assert _ended(descriptor.fileno(), time.monotonic() + 600, Thrashing(process.pid))


def test_the_line_that_tells_is_marked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Setting up a\nE: Sub-process returned an error\n\nsee above\n")
    assert tail(log) == "    Setting up a\n  > E: Sub-process returned an error\n    see above"


def test_it_may_stand_further_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ls: cannot access 'x'\n" + "".join(f"cleaning {n}\n" for n in range(30)))
    shown = tail(log, lines=3).splitlines()
    assert shown == ["  > ls: cannot access 'x'", "    …", "    cleaning 27", "    cleaning 28", "    cleaning 29"]


def test_no_log(tmp_path: Path) -> None:
    assert tail(tmp_path / "gone") == ""


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_a_log_replaces_whatever_is_there(tmp_path: Path, make: Callable[[Path], None]) -> None:
    (tmp_path / "logs").mkdir()
    log, hidden = tmp_path / "logs" / "x.log", secret(tmp_path)
    make(log)
    reader, writer = os.pipe()
    os.write(writer, b"said\n")
    os.close(writer)
    said: list[str] = []
    with bounded():
        _copy_log(open(reader, "rb"), log, Activity("x"), said.append)  # noqa: SIM115 - it closes it
    assert said == []
    assert log.read_text() == "said\n"
    assert not log.is_symlink()
    assert hidden.read_text() == f"{SECRET}\n"


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"said\n" * 100)
    os.close(writer)
    said: list[str] = []
    activity = Activity("x")
    _copy_log(open(reader, "rb"), tmp_path / "gone" / "x.log", activity, said.append)  # noqa: SIM115 - it closes it
    (line,) = said
    assert line.endswith("x.log: No such file or directory; the log of this step is incomplete")
    assert activity.line == "said"
