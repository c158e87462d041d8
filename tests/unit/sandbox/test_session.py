"""What a builder asks of a session reaches it as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from debate.host.run import own
from debate.model import Reach
from debate.sandbox.image.command import Command
from debate.sandbox.session import Session, _FailedError, _new_output
from tests.bounded import bounded
from tests.conftest import ROOT
from tests.foreign import NOT_FILES, SECRET, secret

EXAMPLE = Session(
    directory="/d", tools="", layers=("/a", "/b"), outputs=("o",), scripts="/s", environment={"A": "b"}, uid_base=1,
    commands=(Command(("/bin/sh", "x"), rights="system"), Command(("y",), pack_upper=True, stdout="o")),
    shown=(("/etc/hosts", "/etc/hosts"),), mirrors=(("/m", "/run/mirror/m"), ("/n", "/run/mirror/n")),
    reach=Reach(("m.example:80",), ("n.example:443",), {"http": "http://p.example"}),
    scratch="disk", bytes=2, inodes=3, cgroup_procs=("/p",), in_scope=True,
)  # fmt: skip


def test_through_json_and_back() -> None:
    session = replace(EXAMPLE, shell=(4, 5))  # noqa: S604
    assert Session.from_json(session.to_json()) == session


KILLED = """\
import os, subprocess, sys
from debate.host.run import own
session = subprocess.Popen(own("debate.sandbox.session"), stdin=subprocess.PIPE, text=True)
session.stdin.write(sys.argv[1].replace('"builder": 0', f'"builder": {os.getpid()}'))
session.stdin.close()
os._exit(0)
"""
"""A builder that is killed when it has just started a session."""


def test_a_builder_that_is_killed_while_python_is_loaded(tmp_path: Path) -> None:
    """Nothing runs then: nobody would be there to end it."""
    session = replace(EXAMPLE, directory=str(tmp_path), cgroup_procs=(str(tmp_path / "procs"),))
    (tmp_path / "procs").touch()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, session.to_json()], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )  # It ends when all have ended that have its output.
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "procs").read_text() == ""


def test_what_is_said_last_arrives(tmp_path: Path) -> None:
    """Its processes end without taking Python apart first."""
    session = replace(EXAMPLE, directory=str(tmp_path / "gone"), cgroup_procs=(), in_scope=False, builder=os.getpid())
    done = subprocess.run(
        own("debate.sandbox.session"),
        env={"PYTHONPATH": str(ROOT)}, input=session.to_json(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["problem"]["fact"].startswith(("the sandbox could not be", "systemd-nspawn is not"))


@pytest.mark.parametrize("module", ["session", "proxy"])
def test_nothing_of_where_it_is_started_is_run(tmp_path: Path, module: str) -> None:
    """A build is started in a checkout, which may have a file of any name."""
    for name in ("debate", "json", "socket", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"import os\nos.write(2, b'a stranger: {name}')\n")
    done = subprocess.run(
        own(f"debate.sandbox.{module}"), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, input="", capture_output=True,
        text=True,
    )  # fmt: skip
    assert "a stranger" not in done.stderr
    assert f"debate/sandbox/{module}.py" in done.stderr or not done.returncode, "the module was run"


@pytest.mark.parametrize("module", ["session", "runner", "limits", "proxy"])
def test_a_session_needs_the_standard_library_alone(module: str) -> None:
    """It starts for each sandbox, and in a guest that has nothing else installed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import debate.sandbox.{module}"],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_a_command_s_output_replaces_what_earlier_ones_left(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Before a shell is opened, root opens it for the command, in a directory that belongs to the sandbox."""
    hidden = secret(tmp_path)
    (tmp_path / "out").mkdir()
    make(tmp_path / "out" / "layer")
    with bounded():
        if (tmp_path / "out" / "layer").is_dir():
            with pytest.raises(_FailedError, match=r"^output layer: Is a directory$"):
                _new_output(tmp_path, "layer")
        else:
            with _new_output(tmp_path, "layer") as output:
                output.write(b"new")
            assert (tmp_path / "out" / "layer").read_bytes() == b"new"
            assert not (tmp_path / "out" / "layer").is_symlink()
    assert hidden.read_text() == f"{SECRET}\n"
