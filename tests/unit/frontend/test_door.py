"""Whatever is written, by whom and in whatever pieces: what leaves the process moves no cursor and gives no command."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.frontend.door import Door, door
from debate.text.printable import LONGEST, readable
from tests.conftest import ROOT
from tests.integration.checkout import DOIT
from tests.unit.frontend.github import obeyed
from tests.unit.frontend.terminal import Terminal, without_ci
from tests.unit.text.test_printable import LOGS

LOST = "ERROR: the output is incomplete: {}; send it to a file or pipe that takes it all\n"


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ci(monkeypatch)


@given(st.lists(LOGS, max_size=5), st.booleans())
def test_pieces_are_as_harmless_as_the_whole(pieces: list[str], github: bool) -> None:
    inner = io.StringIO()
    made = Door(inner)
    made.asked_for_github = github
    for piece in pieces:
        assert made.write(piece) == len(piece)
    made.end()
    log = inner.getvalue()
    assert obeyed(log)[1] == []
    assert readable(log, github=github) == log
    assert log.replace(" ", "") == "".join(map(readable, pieces)).replace(" ", "")


def test_a_command_in_pieces_after_a_long_line() -> None:
    inner = io.StringIO()
    made = Door(inner)
    for piece in ("a" * 500, " ::b ##", "[error]\n", " " * 500, ":", ":add-mask::x\n"):
        made.write(piece)
    assert inner.getvalue() == "a" * 500 + " ::b ## [error]\n" + " " * 500 + ": :add-mask::x\n"


def test_lines_stay_as_many() -> None:
    inner = io.StringIO()
    Door(inner).lines("one\ntwo\r\n", "\x1b[2Jthree", "a" * (LONGEST + 1))
    assert inner.getvalue() == f"one?two??\n?[2Jthree\n{'a' * LONGEST}… (1 more characters)\n"


def test_only_the_door_has_colours() -> None:
    inner = Terminal()
    Door(inner).lines("\x1b[31mred", style="red")
    assert inner.getvalue() == "\x1b[31m?[31mred\x1b[0m\n"
    inner = io.StringIO()
    Door(inner).lines("plain", style="red")
    assert inner.getvalue() == "plain\n"


def test_github_accepts_no_commands_while_text_is_shown() -> None:
    inner = io.StringIO()
    made = Door(inner)
    made.asked_for_github = True
    made.lines("one")
    made.write("unfinished")
    made.commands(["::error::x"])
    made.lines("two", "three")
    made.folded("title\n::add-mask::x", ["four"])
    made.end()
    log = inner.getvalue()
    shown, commands = obeyed(log)
    assert shown == ["one", "unfinished", "two", "three", "four"]
    assert commands == ["::error::x", "::group::title?: :add-mask: :x", "::endgroup::"]
    stopped = [line.rpartition("::")[2] for line in log.splitlines() if "::stop-commands::" in line]
    assert [f"::{token}::" in log.splitlines() for token in stopped] == [True] * 3
    assert len(set(stopped)) == 3


def test_whole_lines_are_shown_above_what_is_redrawn() -> None:
    inner, above = Terminal(), list[tuple[str, str]]()
    made = Door(inner)
    made.above = lambda text, style: above.append((text, style))
    made.write("a")
    made.write("b\x1b[2J\nc")
    made.lines("d", style="red")
    made.write("e")
    assert above == [("ab?[2J", ""), ("c", ""), ("d", "red")]
    assert inner.getvalue() == ""
    made.above = None
    made.write("f\n")
    assert inner.getvalue() == "ef\n"


def test_there_is_one_door_to_a_stream() -> None:
    inner = io.StringIO()
    made = door(inner)
    assert made.inner is inner
    assert door(made) is made


def run(script: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"from debate.frontend.door import install; install()\n{script}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_thread_that_writes_does_not_break_the_end_of_the_process(name: str) -> None:
    """doit leaves its threads behind when a run breaks off. This one is stuck in a write meanwhile."""
    other = {"stdout": "stderr", "stderr": "stdout"}[name]
    process = run(f"""
import sys, threading
def shout():
    while True:
        sys.{name}.write('x' * 99 + chr(10) * 1000)
        sys.{name}.flush()
threading.Thread(target=shout, daemon=True).start()
sys.{other}.write('leaving' + chr(10))
sys.{other}.flush()
sys.exit(3)
""")
    with process:
        assert process.stdout
        assert process.stderr
        assert getattr(process, other).readline() == "leaving\n"
        time.sleep(0.3)  # The pipe is full, and the main thread at its end.
        try:
            output = dict(zip(("stdout", "stderr"), process.communicate(timeout=60), strict=True))
        finally:
            process.kill()
    assert (process.returncode, output[other]) == (3, "")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("print('a\\x1b[2Jb\\udcff')", "a?[2Jb?\n"),
        ("import sys; print('::add-mask::x', file=sys.stderr)", ": :add-mask::x\n"),
        ("raise ValueError('\\x1b[2J\\n::add-mask::x')", "ValueError: ?[2J\n: :add-mask::x\n"),
        ("import warnings; warnings.warn('\\u202ex')", "UserWarning: ?x\n"),
        ("import threading; threading.Thread(target=lambda: int('\\x1b')).start()", "literal for int() with base 10: "),
    ],
)
def test_whatever_prints_goes_through_it(script: str, expected: str) -> None:
    said = "".join(run(script).communicate(timeout=60))
    assert expected in said
    assert all(c.isprintable() or c == "\n" for c in said)


@pytest.mark.parametrize("closed", ["", ">&-", "2>&-", ">&- 2>&-", "<&- >&-"])
def test_a_closed_stream_breaks_nothing(closed: str, tmp_path: Path) -> None:
    script = "import debate.frontend.door as d; d.install(); import sys; print('a'); print('b', file=sys.stderr)"
    (tmp_path / "x.py").write_text(script)
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} {tmp_path}/x.py {closed}"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    lost = ">&-" in closed.split()
    assert done.returncode == (2 if lost else 0)
    said = f"b\n{LOST.format('Bad file descriptor')}" if lost else "b\n"
    assert (done.stdout, done.stderr) == ("" if lost else "a\n", "" if "2>&-" in closed else said)


@pytest.mark.parametrize("to", [">/dev/full", ">&-"])
@pytest.mark.parametrize(
    "words",
    ["", "validate minimal", "validate --format json", "show:minimal", "show:minimal --format github",
     "no-such --format json", "list --all", "help", "help config", "--version", "validate --help",
     "-o /dev/full validate minimal"],
)  # fmt: skip
def test_output_that_nobody_takes_is_told_in_one_line(words: str, to: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {DOIT} {words} {to}"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "DEBATE_OUTPUT": str(tmp_path)},
    )  # fmt: skip
    reason = "Bad file descriptor" if to == ">&-" and "-o" not in words else "No space left on device"
    assert (done.returncode, done.stderr) == (2, LOST.format(reason))


def test_a_file_for_the_output_that_cannot_be_written() -> None:
    done = subprocess.run([DOIT, "-o", "/missing/x", "profiles"], cwd=ROOT, capture_output=True, text=True)
    said = "ERROR: /missing/x: No such file or directory; name a file that can be written\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", said)


def test_a_build_goes_on_without_its_output(tmp_path: Path) -> None:
    environment = {**os.environ, "DEBATE_OUTPUT": str(tmp_path)}
    done = subprocess.run(["sh", "-c", f"exec {DOIT} hash:minimal >/dev/full"], cwd=ROOT, stderr=-1, env=environment)
    assert done.returncode == 2
    assert (tmp_path / "minimal" / "hash.json").exists()


def test_a_character_that_the_encoding_lacks_is_replaced() -> None:
    assert run("print('größe')", PYTHONIOENCODING="ascii").communicate(timeout=60) == ("gr??e\n", "")
