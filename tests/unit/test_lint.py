"""ruff, mypy and import-linter are tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ruff", "check", "--no-cache", "."],
        ["-m", "ruff", "format", "--check", "--no-cache", "."],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
    ],
    ids=["ruff check", "ruff format", "mypy", "import-linter"],
)
def test_lint(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_order_is_the_one_that_is_checked() -> None:
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    order = " → ".join(layer.replace(" | ", ", ") for layer in layers)
    assert order in " ".join((ROOT / "docs" / "internals.md").read_text().split())


def test_scripts_parse() -> None:
    scripts = [ROOT / "setup", ROOT / ".ci/run", *(ROOT / "sandbox").rglob("*.sh")]
    assert len(scripts) > 10
    for script in scripts:
        done = subprocess.run([shutil.which("dash") or "sh", "-n", str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
