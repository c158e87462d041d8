"""`debate` in a workspace anywhere, and `doit` in one that is no checkout of debate."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from debate import __version__, errors
from debate.errors import DebateError
from debate.frontend import main, workspace
from debate.frontend.plugins import PLUGINS
from tests.conftest import ROOT, write_files

BIN = Path(sys.executable).parent
DODO = '"""Tasks."""\nfrom debate.frontend.workspace import tasks\n\nglobals().update(tasks(__file__))\n'


def run(program: str, *words: str, cwd: Path, status: int = 0, path: str = f"{BIN}:{os.environ['PATH']}") -> str:
    """What it says, both outputs, to who has the programs in ``path``. Asserts its exit status."""
    done = subprocess.run(
        [BIN / program, *words], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": path, "HOME": os.environ.get("HOME", "/")},
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with one profile, and a directory in it."""
    return write_files(tmp_path / "work", {"profiles/web.yaml": "version: 1\n", "notes/in/x": ""})


def a_directory(top: Path) -> None:
    (top / "profiles").mkdir()


def a_file(top: Path) -> None:
    (top / "debate.toml").touch()


def a_file_of_profiles(top: Path) -> None:
    (top / "profiles").touch()


def nothing(_: Path) -> None: ...


@pytest.mark.parametrize(("make", "found"), [(a_directory, 1), (a_file, 1), (a_file_of_profiles, 0), (nothing, 0)])
@pytest.mark.parametrize("below", [".", "a", "a/b", "profiles"])
def test_the_nearest_one_above(tmp_path: Path, make: Callable[[Path], None], found: int, below: str) -> None:
    top = tmp_path / "outer" / "inner"
    (top / "a" / "b").mkdir(parents=True)
    (tmp_path / "outer" / "profiles").mkdir()
    make(top)
    start = top / below
    if start.is_dir():
        assert workspace.find(start) == (top if found else tmp_path / "outer")


def test_none(tmp_path: Path) -> None:
    with pytest.raises(DebateError, match=r"no workspace here or above.*debate init"):
        workspace.find(tmp_path)


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", BIN / "debate", "validate"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("ERROR: the directory where you stand: No such file or directory; go to one that is ")


def test_a_directory_that_one_may_not_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> list[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "marks", closed)
    with pytest.raises(DebateError, match=r"^the directory where you stand: Permission denied; go to one "):
        main._enter()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make files of others")
@pytest.mark.parametrize("mark", ["profiles", "debate.toml"])
def test_one_that_a_stranger_made_above(tmp_path: Path, mark: str) -> None:
    """In /tmp, for example. Who stands in it has chosen it, and so has who works in a directory of the same owner."""
    (tmp_path / "mine").mkdir()
    (tmp_path / mark).mkdir() if mark == "profiles" else (tmp_path / mark).touch()
    os.chown(tmp_path / mark, 4242, 4242)
    with pytest.raises(DebateError, match=f"{mark} in it belongs to another user; stand in that directory"):
        workspace.find(tmp_path / "mine")
    assert workspace.find(tmp_path) == tmp_path
    os.chown(tmp_path / "mine", 4242, 4242)
    assert workspace.find(tmp_path / "mine") == tmp_path


def test_a_doit_without_debate_says_so_in_a_line(tmp_path: Path) -> None:
    """As that of the system, which is first in PATH. Of a checkout, doit reads names of plugins before its dodo.py."""
    run("debate", "init", "web", "--ci", "none", cwd=tmp_path)
    code = "import runpy, sys; sys.modules['debate'] = None; runpy.run_module('doit', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == ""
    assert re.fullmatch(r"ERROR: dodo\.py: .*: this doit has no debate; run `debate`\n", done.stderr), done.stderr
    assert done.returncode != 0


def test_doit_knows_the_same_plugins_in_a_checkout() -> None:
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["doit"]
    plugins = {kind.upper(): names for kind, names in own.pop("plugins").items()}
    assert {"GLOBAL": own, **plugins} == PLUGINS


def test_the_version(tmp_path: Path) -> None:
    assert run("debate", "--version", cwd=tmp_path).startswith(f"debate {__version__} (doit ")


@pytest.mark.parametrize("words", [["--help"], ["help"], ["build", "--help"], ["help", "build"]])
def test_help_needs_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """It is the same, and names the program that was typed."""
    monkeypatch.setattr(errors, "program", "debate")
    of_doit = errors.spoken(run("doit", *(words if words != ["--help"] else ["help"]), cwd=ROOT))
    assert run("debate", *words, cwd=tmp_path) == of_doit
    assert of_doit.startswith("debate ")


def test_who_has_no_doit_is_told_of_debate(root: Path) -> None:
    """As pipx leaves it."""
    said = run("debate", "lock", "wbe", cwd=root, status=3, path="/usr/bin:/bin")
    assert said == "ERROR: lock: there is no profile 'wbe'; did you mean 'web'?\n"
    assert "`debate help` shows" in run("debate", "frobnicate", cwd=root, status=3, path="/usr/bin:/bin")
    said = run("debate", "help", "build", cwd=root, path="/usr/bin:/bin")
    assert said.startswith("debate build:NAME")
    assert "doit " not in said


def test_outside_of_one(tmp_path: Path) -> None:
    fact = "no workspace here or above: a directory with profiles/ or debate.toml; `debate init` makes one here"
    assert run("debate", "build:web", cwd=tmp_path, status=3) == f"ERROR: {tmp_path}: {fact}\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("below", [".", "notes/in", "profiles"])
def test_without_a_dodo_file(root: Path, below: str) -> None:
    assert run("debate", "validate", "web", cwd=root / below) == "1 profile: all valid\n"
    assert sorted(os.listdir(root)) == ["build", "notes", "profiles"]


def test_paths_are_from_where_one_stands(root: Path) -> None:
    said = run("debate", "import-archiso", "-d", "in", "-n", "x", cwd=root / "notes", status=3)
    assert said.startswith("ERROR: notes/in/profiledef.sh: No such file or directory")


@pytest.mark.parametrize("words", [["validate:web"], ["validate", "web"]])
@pytest.mark.parametrize("program", ["debate", "doit"])
def test_with_a_dodo_file_of_three_lines(root: Path, program: str, words: list[str]) -> None:
    (root / "dodo.py").write_text(DODO)
    assert run(program, *words, cwd=root) == "1 profile: all valid\n"


def test_doit_with_a_file_of_tasks_elsewhere(root: Path, tmp_path: Path) -> None:
    mine = '\n\ndef task_mine():\n    """greet"""\n    return {"actions": ["pwd"], "verbosity": 2}\n'
    (root / "own.py").write_text(DODO + mine)
    assert str(root) in run("doit", "-f", str(root / "own.py"), "mine", cwd=tmp_path)
    assert str(root) in run("doit", "-k", "-fown.py", "mine", cwd=root / "notes")
