"""How `check` boots: as many guests at a time as the host has memory and processors for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate import check
from debate.check import qemu


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
