"""What a function of a profile's module of dracut returns is told: dracut itself passes over it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.sandbox.test_said import BY_DRACUT, said

APPENDED = (ROOT / "sandbox" / "dracut-hook.bash").read_text()
TOLD = "W: {}() returned {}, which dracut passes over\n"


@pytest.mark.parametrize(
    ("hook", "function", "printed", "status"),
    [
        ("install() {\n    echo mine\n}", "install", "mine\n", 0),
        ("install() {\n    [ -e /none ] && echo x\n}\n", "install", TOLD.format("install", 1), 1),
        ("install() { return 3; }", "install", TOLD.format("install", 3), 3),
        ("install () {\n    false\n    echo on\n}\ninstallkernel() { false; }", "install", "on\n", 0),
        ("install() { :; }\ninstallkernel() { false; }", "installkernel", TOLD.format("installkernel", 1), 1),
        ('install() { echo "$# $1"; false; }', "install", "1 two words\n" + TOLD.format("install", 1), 1),
        ("check() { return 255; }", "check", "", 255),
    ],
)
def test_what_is_told(hook: str, function: str, printed: str, status: int) -> None:
    script = f"{hook}{APPENDED}\n{function} 'two words'\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == (printed, "", status)


def test_it_is_a_line_of_the_step(tmp_path: Path) -> None:
    line = TOLD.format("install", 1).strip()
    assert said(tmp_path, BY_DRACUT, line) == [f"told mine {line}"]
