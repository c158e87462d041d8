"""What of a guest's console counts as text."""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

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
    console: Any = SimpleNamespace(text=lambda: text, total=len(text), last=time.monotonic() - quiet)
    camera: Any = None
    with tempfile.TemporaryFile() as said:
        said.write(b"no such device\n")
        said.seek(0)
        process: Any = SimpleNamespace(poll=lambda: ended, returncode=ended, stderr=said, pid=os.getpid())
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


@pytest.mark.parametrize(
    ("missing", "said", "fact"),
    [
        (["port 80 refuses connections"], "login: ", "the guest takes no connections (check.ports: port 80 refuses "),
        ([], "login: ", "the guest lets nobody log in within -1 s"),
        (["port 80 does not answer"], "a", "the guest did not come up within -1 s"),
    ],
)
def test_what_is_tried_and_not_there(missing: list[str], said: str, fact: str) -> None:
    guest = qemu.Guest(
        Path("iso"), "bios", Path("log"), Path("png"), ports=(80,), commands=("true",), login=Login("root", EMPTY)
    )
    console: Any = SimpleNamespace(text=lambda: said, total=len(said), last=time.monotonic())
    process: Any = SimpleNamespace(poll=lambda: None, pid=os.getpid(), stdin=None)
    camera: Any = None
    cable: Any = SimpleNamespace(missing=lambda: missing)
    with pytest.raises(DebateError) as caught:
        guest._watch(process, console, "login: ", -1, "tcg", camera, cable)
    [problem] = caught.value.problems
    assert (problem.place, problem.fact[: len(fact)]) == (Place("check as bios"), fact)
    assert "raise check.timeout" in problem.remedy


def test_a_command_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "t0ken")
    said = "login: # some output\nt0ken-0-3\n"
    guest = qemu.Guest(Path("iso"), "bios", Path("log"), Path("png"), commands=("x",))
    console: Any = SimpleNamespace(text=lambda: said, total=len(said), last=time.monotonic())
    process: Any = SimpleNamespace(poll=lambda: None, pid=os.getpid(), stdin=None)
    with pytest.raises(DebateError) as caught:
        guest._watch(process, console, "login: ", 60, "tcg", cast("Any", None))
    [problem] = caught.value.problems
    assert problem.fact == "`x` (check.commands) ended with status 3"
    assert problem.remedy.startswith("look at it with doit run:NAME")
    assert "    login: # some output\n" in caught.value.details


@pytest.mark.parametrize(
    ("pictures", "fact"),
    [
        (["1", "2", "3"], "the guest did not come up within 0.5 s"),
        (["1", "2"], "the guest produced no output for "),
        ([""], "the guest produced no output for "),
    ],
)
def test_a_splash_says_nothing_on_the_console(monkeypatch: pytest.MonkeyPatch, pictures: list[str], fact: str) -> None:
    """So its guest is no silent one, as long as something moves on the screen."""
    monkeypatch.setattr(qemu, "_MEANWHILE", 0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    moment = cast("int", 0.1)
    guest = qemu.Guest(Path("iso"), "bios", Path("console.log"), Path("png"), silence=moment, screen=True)
    console: Any = SimpleNamespace(text=lambda: "a", total=1, last=0.0)
    taken = itertools.cycle(f"P6 1 1 255\n{each}" if each else "" for each in pictures)
    camera: Any = SimpleNamespace(picture=lambda _: next(taken).encode())
    process: Any = SimpleNamespace(poll=lambda: None, pid=os.getpid())
    with pytest.raises(DebateError) as caught:
        guest._watch(process, console, "login: ", 5 * moment if len(pictures) == 3 else 60, "tcg", camera)
    assert caught.value.problems[0].fact.startswith(fact)


def test_who_waits_for_a_processor_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = iter((7.0, 107.0))
    monkeypatch.setattr(qemu, "_waited", lambda _: next(waited, 107.0))
    with pytest.raises(DebateError, match="did not come up within 1 s"):
        watch("a", quiet=99, timeout=1)
    waited = iter((7.0, 27.0))
    monkeypatch.setattr(qemu, "_waited", lambda _: next(waited, 27.0))
    with pytest.raises(DebateError, match="no output for 79 s"):
        watch("a", quiet=99)


def test_how_long_a_process_waited() -> None:
    """Two that want the same processor do."""
    one = min(os.sched_getaffinity(0))
    busy = ["taskset", "-c", str(one), sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(busy) as first, subprocess.Popen(busy) as second:
        try:
            deadline = time.monotonic() + 30
            while not (qemu._waited(first.pid) > 0.1 and qemu._waited(second.pid) > 0.1):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            first.kill()
            second.kill()
    assert qemu._waited(first.pid) == 0


def test_a_marker_is_success_whatever_else_is_there() -> None:
    assert watch("login: Kernel panic", ended=1, quiet=99) < 5


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.debian)
@pytest.mark.parametrize("number", [0, 1, 3])
def test_what_a_machine_brings_to_the_command_line(
    monkeypatch: pytest.MonkeyPatch, machine: Machine, number: int
) -> None:
    present = machine.firmware["uefi"][number][0]
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == present)
    guest = qemu.Guest(Path("iso"), "uefi", Path("log"), Path("png"), machine=machine)
    argv = guest._argv(5, 6, 7, [8], "tcg")
    assert argv[0] == machine.qemu
    assert argv[argv.index("-machine") + 1] == machine.qemu_machine
    assert argv[argv.index("-cpu") + 1] == machine.qemu_cpu
    assert argv[-1].endswith(f",file={present}")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(DebateError, match=r"^UEFI firmware .* is not installed; run \./setup"):
        guest._argv(5, 6, 7, [8], "tcg")


@pytest.mark.parametrize("disk", [True, False])
@pytest.mark.parametrize(("first", "files"), [(False, [7, 8]), (True, [8, 7])])
def test_media_are_attached_in_their_order(disk: bool, first: bool, files: list[int]) -> None:
    """And the firmware starts from the ISO, whichever it is."""
    beside = (qemu.Medium(Path("other"), disk=not disk),)
    guest = qemu.Guest(Path("iso"), "bios", Path("log"), Path("png"), disk=disk, beside=beside, beside_first=first)
    argv = guest._argv(5, 6, 9, files, "tcg")
    devices = [word for word in argv if word.startswith(("usb-storage,", "ide-cd,"))]
    sets = [word for word in argv if word.startswith("fd=")]
    assert sets == ["fd=5,set=2", f"fd={files[0]},set=3", f"fd={files[1]},set=4"]
    iso, other = ("usb-storage", "ide-cd") if disk else ("ide-cd", "usb-storage")
    wanted = [f"{iso},drive=drive{3 + first},bootindex=0", f"{other},drive=drive{4 - first}"]
    assert devices == (wanted[::-1] if first else wanted)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.debian)
def test_a_machine_with_secure_boot(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    """Its variables are a file that only this guest has."""
    present = list(machine.secure_firmware[0])
    monkeypatch.setattr(Path, "exists", lambda path: str(path) in present)
    guest = qemu.Guest(Path("iso"), "secure-boot", Path("log"), Path("png"), machine=machine)
    argv = guest._argv(5, 6, 7, [8], "tcg")
    assert argv[argv.index("-machine") + 1] == f"{machine.qemu_machine},smm=on"
    assert "driver=cfi.pflash01,property=secure,value=on" in argv
    drives = [argument for argument in argv if argument.startswith("if=pflash")]
    assert drives == [
        f"if=pflash,unit=0,format=raw,readonly=on,file={machine.secure_firmware[0][0]}",
        "if=pflash,unit=1,format=raw,auto-read-only=off,file=/dev/fdset/1",
    ]
    present.pop()
    with pytest.raises(DebateError, match=r"^UEFI firmware .* Microsoft's keys is not installed; run \./setup"):
        guest._argv(5, 6, 7, [8], "tcg")
