"""What of a guest's console counts as text."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import DebateError, Place
from debate.machines import MACHINES, Machine
from debate.qemu import guest as qemu
from debate.qemu.login import AUTOLOGIN, EMPTY, NOBODY, PASSWORD, Dialog, Login
from debate.text.pattern import compiled

CONSOLE = "\x1b[2J\x1b[01;01HGRUB\x1b[=3h \x1b(B\x1b[!p\x1b]0;title\x07minimal login: \x1b[9;2H|\r\n"


def test_plain() -> None:
    assert qemu.plain("\x1b[2Ja\x1b[9;79Hb\x1b(Bc\x1b]0;t\x07d\x07e\x1b[!p\n") == ("abcde\n", "")
    assert qemu.plain("login: \x1b[9;") == ("login: ", "\x1b[9;")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_it_does_not_matter_how_the_console_arrives(sizes: list[int]) -> None:
    whole, _ = qemu.plain(CONSOLE)
    pieces, waiting, rest = "", "", CONSOLE
    for size in [*sizes, len(CONSOLE)]:
        text, waiting = qemu.plain(waiting + rest[:size])
        pieces, rest = pieces + text, rest[size:]
    assert pieces == whole
    assert waiting == ""


LOUD = st.lists(st.sampled_from(["\x1b", "\x1b]", "\x1b[", "\x07", "\x1b\\", "0", ";", "a" * 2000, "0" * 2000])).map(
    "".join
)


@given(LOUD)
def test_no_sequence_is_waited_for_for_ever(text: str) -> None:
    """Nor does any control character get through."""
    shown, waiting = qemu.plain(text)
    assert len(waiting) < 1100
    assert shown.isprintable()


@pytest.mark.parametrize("noise", [b"\x1b]0;", b"a", b"@", b"a\n", b"\x1b[0", "\N{SNOWMAN}".encode()])
def test_a_guest_that_prints_without_end(tmp_path: Path, noise: bytes) -> None:
    """What is kept of it is bounded, and so is the time of each search: with backtracking, most take for ever."""
    source, end = os.pipe()
    with os.fdopen(source, "rb") as stream:
        console = qemu._Console(stream, tmp_path / "log", lambda _: None)
        with os.fdopen(end, "wb") as file:
            file.write(noise * ((2 << 20) // len(noise)))
        console._thread.join()
    assert len(console.text()) <= 1 << 20
    for how in (AUTOLOGIN, EMPTY, PASSWORD, NOBODY):
        Dialog(Login("root", how), lambda _: None).looks_up(console.text(), console.total)
    for marker in ("(a+)+b", "(a|aa)+$", "([a-z]+)*!", "^(.*.*.*)x$"):
        compiled(marker).search(console.text())


def test_the_log_is_safe_to_read(tmp_path: Path) -> None:
    source, end = os.pipe()
    with os.fdopen(source, "rb") as stream:
        console = qemu._Console(stream, tmp_path / "log", lambda _: None)
        with os.fdopen(end, "wb") as file:
            file.write("\x1b[1mstarts\x1b[0m \u202e\x9b\n::add-mask::x\nlogin: ".encode())
        console.join()
    assert (tmp_path / "log").read_text() == "starts ??\n: :add-mask::x\nlogin: "


def watch(
    text: str, *, ended: int | None = None, quiet: float = 0, timeout: int = 100, acceleration: str = "tcg"
) -> float:
    """Watch a guest whose console says ``text`` and then nothing for ``quiet`` seconds."""
    guest = qemu.Guest(Path("iso"), "bios", Path("console.log"), Path("png"), silence=5)
    said = SimpleNamespace(read=lambda: b"no such device")
    process: Any = SimpleNamespace(poll=lambda: ended, returncode=ended, stderr=said)
    console: Any = SimpleNamespace(text=lambda: text, total=len(text), last=time.monotonic() - quiet)
    camera: Any = None
    return guest._watch(process, console, "login: ", timeout, acceleration, camera)


@pytest.mark.parametrize(
    ("state", "fact", "remedy"),
    [
        ({"text": "a\nKernel panic - b\nc"}, "the guest failed: Kernel panic", ""),
        ({"text": "a", "ended": 1}, "QEMU ended with status 1 no such device", ""),
        (
            {"text": "a", "timeout": -1},
            "the guest did not come up within -1 s",
            "raise check.timeout",
        ),
        ({"text": "a", "quiet": 6}, "the guest produced no output for 6 s", ""),
        ({"text": "a", "quiet": 6, "acceleration": "kvm"}, "the guest produced no output for 6 s", ""),
    ],
)
def test_how_a_boot_fails(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], fact: str, remedy: str) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(DebateError) as caught:
        watch(**state)
    error = caught.value
    [problem] = error.problems
    assert (problem.place, problem.fact, error.log) == (Place("check as bios"), fact, "console.log")
    assert problem.remedy.startswith(remedy)
    assert bool(problem.remedy) == bool(remedy)
    assert error.details.startswith("    a\n")
    assert error.details.endswith("\nthe whole console: console.log")
    assert isinstance(error, qemu._SilentError) == (state.get("acceleration") == "kvm")


def test_a_marker_is_success_whatever_else_is_there() -> None:
    assert watch("login: Kernel panic", ended=1, quiet=99) < 5


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.debian)
@pytest.mark.parametrize("number", [0, 1, 3])
def test_what_a_machine_brings_to_the_command_line(
    monkeypatch: pytest.MonkeyPatch, machine: Machine, number: int
) -> None:
    present = machine.firmware[number]
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == present)
    guest = qemu.Guest(Path("iso"), "uefi", Path("log"), Path("png"), machine=machine)
    argv = guest._argv(5, 6, 7, "tcg")
    assert argv[0] == machine.qemu
    assert argv[argv.index("-machine") + 1] == machine.qemu_machine
    assert argv[argv.index("-cpu") + 1] == machine.qemu_cpu
    assert argv[-1].endswith(f",file={present}")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(DebateError, match=r"^UEFI firmware .* is not installed; run \./setup"):
        guest._argv(5, 6, 7, "tcg")
