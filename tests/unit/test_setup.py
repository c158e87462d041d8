"""./setup on a host where everything is installed: when it asks doctor, and what it prints of the report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOIT = """\
#!/bin/sh
echo "doit $*" >> calls
[ "$*" != doctor ] || { echo "the report"; exit ${DOCTOR}; }
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A checkout whose .venv is up to date, and below bin/ the programs of a root on a host with every package."""
    for name in ("setup", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    project = (tmp_path / "pyproject.toml").read_bytes()
    stamp = subprocess.run(["cksum"], input=project, capture_output=True, check=True)
    programs = {
        "bin/id": "#!/bin/sh\necho 0\n",
        "bin/dpkg-query": "#!/bin/sh\necho installed\n",
        ".venv/bin/doit": DOIT,
        ".venv/bin/python": '#!/bin/sh\necho "python $*" >> calls\n',
    }
    for name, text in programs.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    number = stamp.stdout.split()[0].decode()
    for extra in ("", "[test]"):
        (tmp_path / ".venv" / f".debate-{number}{extra}").touch()
    return tmp_path


ALL_TESTS = ["python -m pytest --numprocesses auto --dist worksteal tests/unit", "python -m pytest tests/integration"]


def run(host: Path, *words: str, doctor: int = 0, status: int = 0) -> tuple[list[str], str, str]:
    """The calls that ./setup makes, and its two outputs. Asserts its exit status."""
    environment = {"PATH": f"{host / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "DOCTOR": str(doctor)}
    done = subprocess.run(["./setup", *words], cwd=host, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return (host / "calls").read_text().splitlines(), done.stdout, done.stderr


@pytest.mark.parametrize(
    ("doctor", "report"),
    [
        (0, ""),  # Nothing is missing.
        (1, "the report\n"),
        (3, ""),  # doctor itself failed: the build says why.
    ],
)
@pytest.mark.parametrize("words", ["build:minimal", "-v build:minimal --format json"])
def test_doctor_before_the_first_build(host: Path, words: str, doctor: int, report: str) -> None:
    assert run(host, *words.split(), doctor=doctor) == (["doit doctor", f"doit {words}"], "", report)


def test_no_doctor_after_the_first_build(host: Path) -> None:
    (host / "build" / ".sandbox").mkdir(parents=True)
    (host / "build" / ".sandbox" / "sandbox.json").write_text("{}")
    assert run(host, "build:minimal", doctor=1) == (["doit build:minimal"], "", "")


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ([], ["doit "]),
        (["help"], ["doit help"]),
        (["validate", "minimal"], ["doit validate minimal"]),
        (["test", "tests/unit/test_keys.py::test_one"], ["python -m pytest tests/unit/test_keys.py::test_one"]),
        (["test"], ALL_TESTS),
    ],
)
def test_no_doctor_where_nothing_is_built(host: Path, words: list[str], calls: list[str]) -> None:
    assert run(host, *words, doctor=1) == (calls, "", "")


@pytest.mark.parametrize("part", ["tests/unit", "tests/integration"])
def test_a_part_of_the_tests_that_fails(host: Path, part: str) -> None:
    """The other runs all the same."""
    python = host / ".venv/bin/python"
    python.write_text(f'{python.read_text()}case "$*" in *{part}) exit 2 ;; esac\n')
    assert run(host, "test", status=2)[0] == ALL_TESTS


def test_the_help_says_what_it_does(host: Path) -> None:
    done = subprocess.run(["./setup", "--help"], cwd=host, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Install what is missing")
    assert done.stdout.splitlines()[-1].startswith("Before the first build")
