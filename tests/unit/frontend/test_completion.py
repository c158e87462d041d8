"""Each shell completes commands, steps, profiles after every word that takes one, and options."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from debate.frontend import completion
from tests.conftest import ROOT, write_files
from tests.unit.frontend.test_workspace import DODO

BIN = Path(sys.executable).parent
LINES = {
    "doit ": {"build", "check", "overlay", "help"},
    "debate bu": {"build"},
    "doit build mini": {"minimal"},
    "doit check:mini": {"check:minimal"},
    "debate validate res": {"rescue"},
    "doit overlay min": {"minimal"},
    "doit build minimal res": {"rescue"},
    "doit write minimal --dev": {"--device"},
    "doit gc --si": {"--size"},
}  # fmt: skip
"""What is typed -> some of the words that fit."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {f"profiles/{name}.yaml": "version: 1\n" for name in ("minimal", "rescue")}
    return write_files(tmp_path / "work", {**files, "dodo.py": DODO})


def fitting(shell: str, line: str, workspace: Path) -> set[str]:
    """What a shell offers for ``line``."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell}")
    words = line.split(" ")
    scripts = {
        "bash": f'COMP_LINE="{line}" COMP_POINT={len(line)}; _debate {words[0]}; printf "%s\\n" "${{COMPREPLY[@]}}"',
        "zsh": "compadd() { while [[ $1 == -* ]]; do shift; done; print -l -- $@ }; "
        f"words=({' '.join(words[:-1])} '{words[-1]}'); CURRENT={len(words)}; _debate",
        "fish": f"complete -C '{line}'",
    }
    if shell == "zsh":  # Those that do not fit zsh itself leaves out.
        scripts["zsh"] = scripts["zsh"].replace("while [[ $1 == -* ]]; do shift; done;", "[[ $1 != -- ]] || shift;")
    text = completion.SHELLS[shell]() + scripts[shell]
    if shell == "fish":
        (workspace / "doit.fish").write_text(completion.fish())
        text = f"source doit.fish; {scripts['fish']}"
    plain = {"bash": "--norc", "zsh": "-f", "fish": "--no-config"}[shell]
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(workspace)}
    argv = [program, plain, "-c", text]
    done = subprocess.run(argv, cwd=workspace, capture_output=True, text=True, env=environment)
    assert done.stderr == ""
    said = {each.split("\t")[0] for each in done.stdout.splitlines()}
    said = {each for each in said if each.startswith(words[-1])} if shell == "zsh" else said
    # bash completes what is behind the colon.
    return {f"{words[-1].rpartition(':')[0]}:{each}" for each in said} if shell == "bash" and ":" in words[-1] else said


@pytest.mark.parametrize("shell", completion.SHELLS)
@pytest.mark.parametrize("line", LINES)
def test_what_is_offered(workspace: Path, shell: str, line: str) -> None:
    found = fitting(shell, line, workspace)
    assert LINES[line] <= found
    assert all(each.startswith(line.rpartition(" ")[2]) for each in found)


@pytest.mark.parametrize("shell", completion.SHELLS)
@pytest.mark.parametrize("verb", completion.with_profiles())
def test_profiles_follow_every_word_that_takes_one(shell: str, verb: str) -> None:
    """The tables in each script have it."""
    assert f" {verb} " in completion.SHELLS[shell]().replace("(", " ").replace(")", " ").replace("'", " ")


def test_the_command_prints_them() -> None:
    for shell, script in completion.SHELLS.items():
        done = subprocess.run(
            [BIN / "debate", "tabcompletion", "--shell", shell], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == script()
