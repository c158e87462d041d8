"""The examples in CONTRIBUTING.md: a step is one file and one script, a command one file, and nothing else changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from debate import PACKAGE
from tests import documents
from tests.conftest import ROOT

EXAMPLES = {block.file: block for block in documents.blocks("CONTRIBUTING.md") if block.file}
STEP = ("debate/steps/sizes.py", "sandbox/sizes.sh")
COMMAND = ("debate/commands/largest.py",)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a contributor works on, with the examples in it."""
    made = tmp_path_factory.mktemp("contributing")
    shutil.copytree(PACKAGE, made / "debate", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, made / name)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, made / name)
    for name, block in EXAMPLES.items():
        assert not (made / name).exists(), "an example adds files, and changes none"
        documents.write(made, block)
    return made


def run(checkout: Path, *words: str, status: int = 0) -> str:
    """What a program of Python says that imports the copy. Asserts its exit status."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def doit(checkout: Path, *words: str, status: int = 0) -> str:
    return run(checkout, str(Path(sys.executable).with_name("doit")), *words, status=status)


def test_the_number_of_places() -> None:
    assert sorted(EXAMPLES) == sorted((*STEP, *COMMAND))


def test_the_copy_is_what_runs(checkout: Path) -> None:
    assert run(checkout, "-c", "import debate; print(debate.__file__)").startswith(str(checkout))


def test_doit_has_their_tasks(checkout: Path) -> None:
    listed = {line.split()[0] for line in doit(checkout, "list", "--all").splitlines()}
    assert {"sizes:minimal", "sizes:rescue", "largest:minimal"} <= listed
    assert str(checkout / "build/minimal/rootfs.json") in doit(checkout, "info", "sizes:minimal", status=1)
    for task in ("largest:minimal", "verify:minimal", "shell:sizes:minimal"):
        wanted = "rootfs.json" if task.startswith("shell") else "sizes.json"
        assert str(checkout / "build/minimal" / wanted) in doit(checkout, "info", task, status=1), task


def test_help_has_them(checkout: Path) -> None:
    overview = doit(checkout, "help")
    assert re.search(r"^  sizes:NAME +list the largest files", overview, re.MULTILINE)
    assert re.search(r"^  largest:NAME +show the largest files", overview, re.MULTILINE)
    assert doit(checkout, "help", "largest").startswith("doit largest:NAME\n")
    assert re.search(r"STEP is .*\bsizes\b", doit(checkout, "help", "shell"))


def test_the_readme_has_them(checkout: Path) -> None:
    table = run(checkout, "-m", "debate.frontend.help")
    assert "| `doit sizes:NAME` | list the largest files" in table
    assert "| `doit largest:NAME` | show the largest files" in table


def test_the_diagram_has_them(checkout: Path) -> None:
    arrows = {line.strip() for line in run(checkout, "-m", "debate.graph.diagram").splitlines()}
    assert {"rootfs --> sizes", "overlay --> sizes", "sandbox --> sizes", "sizes --> largest"} <= arrows


def test_explain_looks_at_the_step(checkout: Path) -> None:
    assert re.search(r"^sizes:minimal  waits for ", doit(checkout, "explain:minimal"), re.MULTILINE)


def test_a_mistyped_name_is_told(checkout: Path) -> None:
    assert "did you mean 'largest'?" in doit(checkout, "info", "lragest:minimal", status=3)


def test_their_style(checkout: Path) -> None:
    files = [name for name in EXAMPLES if name.endswith(".py")]
    run(checkout, "-m", "ruff", "check", *files)
    run(checkout, "-m", "ruff", "format", "--check", *files)
    subprocess.run(["sh", "-n", "sandbox/sizes.sh"], cwd=checkout, check=True)


@pytest.mark.parametrize("script", sorted(name for name in EXAMPLES if name.endswith(".sh")))
def test_the_script(tmp_path: Path, script: str) -> None:
    """What it makes of a small system, at places of its own."""
    for name, size in {"usr/large file": 3000, "etc/small": 10, "usr/middle": 20}.items():
        (tmp_path / "layers" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "layers" / name).write_bytes(bytes(size))
    for name in ("work", "out"):
        (tmp_path / name).mkdir()
    text = EXAMPLES[script].text.replace("/run/", f"{tmp_path}/")
    subprocess.run(["sh", "-c", text], check=True)
    assert (tmp_path / "out" / "sizes").read_text() == "3000 /usr/large file\n20 /usr/middle\n10 /etc/small\n"
