"""What a step that installs packages is expected to write is known from the lock, and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.model import Locked
from debate.steps.download import unpacked
from tests.conftest import ROOT, write_files
from tests.unit.steps import fake


@pytest.mark.parametrize(("installed", "writes"), [(0, 50), (3, 14), (70, 103)])
def test_what_a_package_is_expected_to_take(installed: int, writes: int) -> None:
    assert unpacked(Locked("x", "1", "all", "debian", "p", 10, "1" * 64, installed=installed)) == writes


def test_it_is_in_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, writes = [], []
    for name, more in (("old", ""), ("new", " installed=9")):
        monkeypatch.setattr(fake, "_APT", fake._APT.replace("{archive}", f"{{archive}}{more}"))
        root = tmp_path / name
        root.mkdir()
        for shared in ("sandbox", "dodo.py", "pyproject.toml"):
            (root / shared).symlink_to(ROOT / shared)
        write_files(root / "profiles", {"p.yaml": "version: 1\ndescription: x\n"})
        made, builder = fake.build(root, "p")
        asked.append({step: ingredients for step, ingredients in builder.asked.items() if step != "lock"})
        locked = made.load("lock")["packages"]
        assert [package.get("installed") for package in locked] == [9 << 10 if more else None] * len(locked)
        writes.append(builder.supplied["rootfs"].writes)
        assert writes[-1] == sum(unpacked(Locked(**package)) for package in locked)
    assert asked[0] == asked[1]
    assert writes[0] != writes[1]
