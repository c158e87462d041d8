"""How `check` boots: as many guests at a time as the host has memory and processors for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from debate.commands.logic import check
from debate.errors import DebateError, Place, Problem
from debate.machines import AMD64
from debate.model import Activity
from debate.qemu import guest as qemu
from debate.steps.boot import Slice
from tests.unit.steps.fake import build_on_a_base


@pytest.mark.parametrize(
    ("guests", "gibibytes", "processors", "number"),
    [(2, 24, 2, 2), (2, 24, 1, 1), (2, 5, 8, 1), (2, 6.5, 8, 2), (1, 24, 8, 1), (2, 0, 8, 1)],
)
def test_how_many_guests_run_at_a_time(
    monkeypatch: pytest.MonkeyPatch, guests: int, gibibytes: float, processors: int, number: int
) -> None:
    monkeypatch.setattr(check, "available_memory", lambda: int(gibibytes * (1 << 30)))
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    guest = qemu.Guest(Path("iso"), "bios", Path("log"), Path("png"))
    assert check._at_a_time([guest] * guests) == number


@pytest.mark.parametrize(
    ("firmware", "secure", "there", "ways"),
    [
        (("bios", "uefi"), "distribution", True, ["bios", "uefi", "secure-boot"]),
        (("uefi",), "distribution", True, ["uefi", "secure-boot"]),
        (("bios", "uefi"), "none", True, ["bios", "uefi"]),
        (("bios", "uefi"), "distribution", False, ["bios", "uefi"]),
    ],
)
def test_how_it_is_booted(firmware: tuple[str, ...], secure: str, there: bool, ways: list[str]) -> None:
    files = AMD64.secure_firmware if there else (("/nonexistent", "/nonexistent"),)
    emulated = replace(AMD64, secure_firmware=files)
    if there and not all(Path(file).exists() for file in files[0]):
        pytest.skip("needs ovmf; ./setup test installs it")
    slice_ = Slice(firmware, "amd64", "debian", secure, ())
    found, said = check._ways(slice_, emulated)
    assert found == ways
    assert [line.partition(":")[0] for line in said] == ([] if there else ["not booted with Secure Boot"])


@pytest.mark.parametrize(("processors", "number", "each"), [(2, 2, 1), (2, 1, 2), (4, 2, 2), (16, 2, 2), (1, 1, 1)])
def test_processors_of_a_guest(monkeypatch: pytest.MonkeyPatch, processors: int, number: int, each: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert check._processors(number) == each


GUESTS = [qemu.Guest(Path("iso"), firmware, Path("log"), Path("png")) for firmware in ("bios", "uefi")]


@pytest.mark.parametrize("failing", [(), ("bios",), ("uefi",), ("bios", "uefi")])
def test_all_that_failed_are_told(failing: tuple[str, ...]) -> None:
    def boot(guest: qemu.Guest) -> str:
        if guest.firmware in failing:
            raise DebateError.of([Problem(Place(guest.firmware), "fails")], details=f"the end of {guest.firmware}")
        return guest.firmware

    if not failing:
        assert check._side_by_side(GUESTS, 2, boot) == ["bios", "uefi"]
        return
    with pytest.raises(DebateError) as caught:
        check._side_by_side(GUESTS, 2, boot)
    assert [str(problem.place) for problem in caught.value.problems] == list(failing)
    assert caught.value.details.splitlines() == [f"the end of {firmware}" for firmware in failing]


def test_a_defect_is_no_failure_of_a_guest() -> None:
    def boot(guest: qemu.Guest) -> str:
        raise DebateError("fails", place="x") if guest.firmware == "bios" else ZeroDivisionError

    with pytest.raises((DebateError, ZeroDivisionError)):
        check._side_by_side(GUESTS, 2, boot)


@pytest.fixture
def interrupted() -> Iterator[threading.Event]:
    """When it is set, this process gets a signal whose handler ends it, as doit's does."""
    started = threading.Event()

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)

    def send() -> None:
        if started.wait(60):
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=send)
    thread.start()
    yield started
    thread.join()
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [1, 2])
def test_an_interruption_ends_all_guests(tmp_path: Path, interrupted: threading.Event, number: int) -> None:
    """Each of them says nothing, in a QEMU that does nothing."""
    silent, iso = tmp_path / "qemu", tmp_path / "iso"
    silent.write_text("#!/bin/sh\nexec sleep 3600\n")
    silent.chmod(0o755)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(directory.stat().st_mode | 0o111)  # QEMU runs as nobody.
    iso.touch()
    starting, ended = threading.Barrier(number, interrupted.set), []

    def boot(guest: qemu.Guest) -> str:
        starting.wait()
        try:
            return str(guest.boot(marker="never", timeout=3600, acceleration="tcg"))
        except DebateError as error:
            ended.append(str(error).partition("\n")[0])
            raise

    machine = replace(AMD64, qemu=str(silent))
    guests = [
        qemu.Guest(iso, "bios", tmp_path / f"{count}.log", tmp_path / "png", machine=machine) for count in range(2)
    ]
    with pytest.raises(SystemExit):
        check._side_by_side(guests, number, boot)
    for thread in threading.enumerate():  # The pool forgets one that was starting when the signal came.
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    assert ended == ["check as bios: the boot was interrupted"] * number


def test_lines_of_a_guest_are_told_as_they_come(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    told: list[str] = []
    with open(reading, "rb") as stream:
        console = qemu._Console(stream, tmp_path / "log", told.append)
        os.write(writing, b"one\r\n\x1b[32mtw")
        os.write(writing, b"o\x1b[0m\r\nlogin: ")
        os.close(writing)
        console._thread.join()
    assert told == ["one", "two"]
    assert console.text() == "one\ntwo\nlogin: "


def test_the_end_of_a_long_line_is_shown() -> None:
    activity = Activity("check:x")
    check._tell(activity, "bios", "  *MENU" + " " * 500 + "executed in 1s" + " " * 300 + "Booting `MENU'")
    assert activity.line == "bios: *MENU executed in 1s Booting `MENU'"
    check._tell(activity, "uefi", " \t")
    assert activity.line.startswith("bios: ")
    check._tell(activity, "uefi", "x" * 500)
    assert activity.line == "uefi: " + "x" * 80


@pytest.mark.parametrize("marker", [None, "up"])
@pytest.mark.parametrize("screen", [False, True])
@pytest.mark.parametrize(
    ("consoles", "serial"),
    [(["tty0", "ttyS0,115200"], True), (["ttyS0"], True), (["tty0"], False), ([], False), (["ttyS01"], False)],
)
def test_a_guest_that_says_nothing(consoles: list[str], serial: bool, screen: bool, marker: str | None) -> None:
    wanted = {"marker": marker, "screen": screen, "commands": []}
    if serial or (screen and not marker):
        assert check._says(consoles, wanted, "check:x") is serial
        return
    with pytest.raises(DebateError, match="no console ttyS0, so the guest says nothing; add it to boot"):
        check._says(consoles, wanted, "check:x")


@pytest.mark.parametrize(
    ("menu", "limit", "fact"),
    [
        (0, 10, ""), (3, 300, ""), (59, 60, ""), (-1, 300, "the boot menu waits for ever (boot.timeout: -1), and the"),
        (60, 60, "the boot menu waits 60 s (boot.timeout), and the check gives up after 60 s; shorten boot.timeout"),
        (3600, 60, "the boot menu waits 3600 s"),
    ],
)  # fmt: skip
def test_a_menu_that_outlasts_the_check(menu: int, limit: int, fact: str) -> None:
    if not fact:
        check._require_time(menu, limit, "check:x")
        return
    with pytest.raises(DebateError) as caught:
        check._require_time(menu, limit, "check:x")
    assert str(caught.value).startswith(f"check:x: {fact}")


WANTED = {"marker": None, "timeout": 60, "screen": False, "ports": [], "commands": []}


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("slices/iso", {"timeout": "soon"}), ("slices/iso", {"timeout": None}), ("slices/iso", {"console": 5}),
        ("slices/iso", {"console": [5]}), ("slices/iso", []), ("slices/boot", {"firmware": 5}), ("slices/boot", {}),
        ("about", {"check": {**WANTED, "marker": "("}}), ("about", {"check": {"marker": 5}}),
        ("about", {"check": {**WANTED, "ports": [1 << 16]}}), ("about", {"check": {**WANTED, "ports": ["x"]}}),
        ("about", {"login": 5}), ("about", []), ("about", {"addresses": ["192.0.2.300/24"]}),
    ],
    ids=repr,
)  # fmt: skip
def test_a_damaged_record_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/true")
    made = build_on_a_base(tmp_path)
    path = made.directory / f"{file}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change} if change else change))
    with pytest.raises(DebateError, match=rf"{file}\.json: damaged; "):
        check.check(made)
