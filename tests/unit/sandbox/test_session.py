"""What a builder asks of a session reaches it as it was."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from debate.sandbox.image.command import Command
from debate.sandbox.session import Session
from tests.conftest import ROOT


def test_through_json_and_back() -> None:
    session = Session(
        directory="/d", tools="", layers=("/a", "/b"), outputs=("o",), scripts="/s", environment={"A": "b"}, uid_base=1,
        commands=(Command(("/bin/sh", "x"), rights="system"), Command(("y",), pack_upper=True, stdout="o")),
        shown=(("/etc/hosts", "/etc/hosts"),), mirrors=(("/m", "/run/mirror/m"), ("/n", "/run/mirror/n")),
        scratch="disk", bytes=2, inodes=3, cgroup_procs=("/p",), in_scope=True,
    )  # fmt: skip
    session = replace(session, shell=(4, 5))  # noqa: S604
    assert Session.from_json(session.to_json()) == session


@pytest.mark.parametrize("module", ["session", "runner", "limits"])
def test_a_session_needs_the_standard_library_alone(module: str) -> None:
    """It starts for each sandbox, and in a guest that has nothing else installed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import debate.sandbox.{module}"],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
