"""How `check` boots: as many guests at a time as the host has memory and processors for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from debate.commands.logic import check
from debate.errors import DebateError
from debate.model import Activity
from debate.qemu import guest as qemu
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


@pytest.mark.parametrize(("processors", "number", "each"), [(2, 2, 1), (2, 1, 2), (4, 2, 2), (16, 2, 2), (1, 1, 1)])
def test_processors_of_a_guest(monkeypatch: pytest.MonkeyPatch, processors: int, number: int, each: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert check._processors(number) == each


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
    wanted = {"marker": marker, "screen": screen}
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


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("slices/iso", {"timeout": "soon"}), ("slices/iso", {"timeout": None}), ("slices/iso", {"console": 5}),
        ("slices/iso", {"console": [5]}), ("slices/iso", []), ("slices/boot", {"firmware": 5}), ("slices/boot", {}),
        ("about", {"check": {"marker": "(", "timeout": 60, "screen": False}}), ("about", {"check": {"marker": 5}}),
        ("about", {"login": 5}), ("about", []),
    ],
    ids=repr,
)  # fmt: skip
def test_a_damaged_record_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(check.shutil, "which", lambda _: "/bin/true")
    made = build_on_a_base(tmp_path)
    path = made.directory / f"{file}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change} if change else change))
    with pytest.raises(DebateError, match=rf"{file}\.json: damaged; "):
        check.check(made)
