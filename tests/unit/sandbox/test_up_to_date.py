"""What the first boot has left to do, as the end of the overlay sees it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(script: str, directory: Path) -> str:
    """``script`` with the functions of up-to-date.sh, and units in ``directory``."""
    words = ["sh", "-euc", f"system_directories='{directory} /nowhere'\n. {ROOT}/sandbox/up-to-date.sh\n{script}"]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("name", "condition", "waits"),
    [
        ("own.service", "ConditionNeedsUpdate=/etc", True),
        ("own.service", "ConditionNeedsUpdate=|/etc", True),
        ("own.service", " ConditionNeedsUpdate = | /etc/ ", True),
        ("own.target", "ConditionNeedsUpdate=/etc", True),
        ("own.service.d/more.conf", "ConditionNeedsUpdate=/etc", True),
        ("own.service", "ConditionNeedsUpdate=/var", False),
        ("own.service", "ConditionNeedsUpdate=!/etc", False),
        ("own.service", "#ConditionNeedsUpdate=/etc", False),
        ("own.service", "ConditionNeedsUpdate=/etcetera", False),
        ("ldconfig.service", "ConditionNeedsUpdate=|/etc", False),
        ("systemd-update-done.service", "ConditionNeedsUpdate=|/etc", False),
        ("my-ldconfig.service", "ConditionNeedsUpdate=|/etc", True),
    ],
)
def test_what_waits_for_updates(name: str, condition: str, waits: bool, tmp_path: Path) -> None:
    """A unit that is not known here does its work at the first boot, as before."""
    unit = tmp_path / name
    unit.parent.mkdir(exist_ok=True)
    unit.write_text(f"[Unit]\nDescription=one\n{condition}\n")
    said = run("none_waits etc || echo waits", tmp_path)
    assert (f"units wait for it: {unit}\nwaits\n" in said) == waits
    assert waits or said == ""


@pytest.mark.parametrize(
    ("made", "older"), [(None, True), (952_877_980, True), (4_102_444_800, False)], ids=["missing", "before", "after"]
)
def test_what_is_older(made: int | None, older: bool, tmp_path: Path) -> None:
    """By the time when files came here, not by one that they carry; a directory that is missing has nothing newer."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "one").touch()
    os.utime(tmp_path / "sources" / "one", (0, 0))
    if made is not None:
        (tmp_path / "made").touch()
        os.utime(tmp_path / "made", (made, made))
    assert run("! is_older made missing sources || echo older", tmp_path) == ("older\n" if older else "")


@pytest.mark.parametrize(
    ("script", "changed"),
    [
        ("touch -d 2019-12-31 there", False),
        ("true", False),
        ("touch there/gone", True),
        ("touch -d 2019-12-31 there; rm there/gone; touch there", True),
        ("touch there/new; touch -d 2019-12-31 there/new there", True),
        ("ln -s nowhere there/new; touch -d 2019-12-31 there", True),
        ("mkdir there/below; touch there/below/new; touch -d 2019-12-31 there", False),
        ("rm -r there", False),
    ],
)  # fmt: skip
def test_what_this_layer_changed(script: str, changed: bool, tmp_path: Path) -> None:
    """Files by the time when they came here, directories by their own; what lies below those is not asked for."""
    (tmp_path / "there").mkdir()
    prepare = "" if "gone" not in script else "touch there/gone\n"
    start = "sleep 0.05; touch laid-out; laid_out=laid-out; sleep 0.05\n"
    said = run(f"{prepare}{start}{script}\n! has_changed there missing || echo changed", tmp_path)
    assert said == ("changed\n" if changed else "")
