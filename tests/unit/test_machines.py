"""One table of machines: every name finds its row, and nothing else of the code repeats a row."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest

from debate import PACKAGE, machines
from debate.distributions import arch, debian
from debate.errors import DebateError
from debate.machines import AMD64, MACHINES


def test_every_name_is_of_one_machine() -> None:
    names = [name for known in MACHINES for name in known.names]
    assert len(names) == len(set(names))
    for known in MACHINES:
        assert {machines.machine(name) for name in (known.debian, known.arch, known.kernel)} == {known}


@pytest.mark.parametrize("name", ["", "AMD64", "i386", "arm64", "aarch64", "amd64 "])
def test_a_machine_that_is_not_in_the_table(name: str) -> None:
    with pytest.raises(DebateError) as caught:
        machines.machine(name)
    assert str(caught.value) == f"machine {name!r}: not supported; choose one of amd64, x86_64"


def test_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="x86_64"))
    assert machines.here() is AMD64
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="s390x"))
    with pytest.raises(DebateError, match="machine 's390x': not supported"):
        machines.here()


def test_architectures_of_the_distributions_are_in_the_table() -> None:
    assert set(debian.ARCHITECTURES) <= {known.debian for known in MACHINES}
    assert set(arch.ARCHITECTURES) <= {known.arch for known in MACHINES}


def test_a_row_is_said_once() -> None:
    facts = {
        AMD64.qemu,
        AMD64.qemu_cpu,
        f'"{AMD64.qemu_machine}"',
        *(path for rows in AMD64.firmware.values() for row in rows for path in row if path),
        *AMD64.grub.values(),
    }
    for path in PACKAGE.rglob("*.py"):
        if path.name != "machines.py":
            assert not [fact for fact in facts if re.search(rf"{re.escape(fact)}(?!-)", path.read_text())], path
