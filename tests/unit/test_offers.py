"""What other programs read of this repository: pre-commit its hooks, GitHub its action and its workflows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.commands.logic import init
from tests.conftest import ROOT, write_files


def document(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def hook() -> dict[str, Any]:
    [found] = document(".pre-commit-hooks.yaml")
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("text", "status"), [("version: 1\n", 0), ("version: 1\npackges: [vim]\n", 1)])
def test_the_hook_checks_without_root(in_memory: Path, text: str, status: int) -> None:
    """As pre-commit runs it: at the top of a repository, without the names of files, and as whoever commits."""
    in_memory.chmod(0o755)
    write_files(in_memory, {"profiles/web.yaml": text})
    program, *words = shlex.split(hook()["entry"])
    argv = [str(Path(sys.executable).with_name(program)), *words]
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() == 0 and subprocess.run([*nobody, "test", "-x", argv[0]]).returncode == 0:
        argv = [*nobody, *argv]
    done = subprocess.run(argv, cwd=in_memory, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("profiles/web.yaml:2:1: unknown field 'packges'" in done.stdout) == bool(status)


@pytest.mark.parametrize(
    ("path", "is_checked"),
    [
        ("profiles/web.yaml", True),
        ("profiles/web.lock.json", True),
        ("debate.toml", True),
        ("README.md", False),
        ("docs/profiles/x", False),
    ],
)
def test_when_the_hook_runs(path: str, is_checked: bool) -> None:
    assert bool(re.search(hook()["files"], path)) == is_checked
    assert hook()["pass_filenames"] is False


def steps(name: str) -> list[dict[str, Any]]:
    """All steps of a workflow, or of the action."""
    found = document(name)
    return (
        found["runs"]["steps"] if "runs" in found else [one for job in found["jobs"].values() for one in job["steps"]]
    )


OFFERS = ["action.yml", *(f"docs/ci/{path.name}" for path in sorted((ROOT / "docs/ci").glob("github*.yml")))]


@pytest.mark.parametrize("name", OFFERS)
def test_no_input_becomes_code(name: str) -> None:
    """What a workflow puts into a script by ${{ }}, the shell reads as code. Values come by the environment."""
    scripts = [step["run"] for step in steps(name) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


@pytest.mark.parametrize("name", OFFERS)
def test_the_shell_can_read_it(name: str) -> None:
    for step in steps(name):
        subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)


def test_the_action_installs_what_setup_installs() -> None:
    script = " ".join(steps("action.yml")[0]["run"].replace("\\\n", " ").split())
    assert f"--no-install-recommends {init.PACKAGES} " in script


def test_the_action_has_all_inputs_that_it_reads() -> None:
    text = (ROOT / "action.yml").read_text()
    assert {*re.findall(r"inputs\.(\w+)", text)} == document("action.yml")["inputs"].keys()
