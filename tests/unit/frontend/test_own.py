"""doit's own commands, where this user may not look or write."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

_AS_OTHERS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Modes hold for root, too."""


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout whose `minimal` has its config."""
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    doit(tmp_path, "--db-file", "db", "config:minimal")
    yield tmp_path
    for path in (tmp_path, tmp_path / "build", tmp_path / "build" / "minimal"):
        path.chmod(0o755)


def doit(checkout: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [*_AS_OTHERS, sys.executable, "-m", "doit", *words], cwd=checkout, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/", "DEBATE_BASE": "debian"},
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == status, said
    return said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("no/x", "'no'"),
        ("dodo.py/x", "'dodo.py'"),
        ("x" * 300 + "/x", "'x+.*'"),
        ("x/" * 1500 + "x", "'x/.*'"),
        ("hidden/within/x", "'hidden/within'"),
    ],
    ids=["nothing", "a file", "a name that is too long", "a path that is too long", "below what may not be searched"],
)
def test_a_database_in_what_is_no_directory(checkout: Path, name: str, shown: str) -> None:
    (checkout / "hidden").mkdir(mode=0)
    for words in (["list"], ["forget"]):
        said = doit(checkout, *words, "--db-file", name, status=3)
        assert re.fullmatch(f"ERROR: {shown} is no directory, so .* cannot be there; --db-file names .*\n", said), said


@pytest.mark.parametrize(
    ("closed", "mode", "line"),
    [
        ("build", 0, "build/minimal: cannot be read (Permission denied); run as root"),
        ("build/minimal", 0o555, "build/minimal/sources.json: cannot be removed (Permission denied); run as root"),
        (
            "build/minimal/slices",
            0o555,
            "build/minimal/slices/rootfs.json: cannot be removed (Permission denied); run as root",
        ),
    ],
)
def test_clean_where_this_user_may_not(checkout: Path, closed: str, mode: int, line: str) -> None:
    (checkout / closed).chmod(mode)
    assert line in doit(checkout, "clean", "--db-file", "db", "config:minimal", status=3)


def test_a_clean_of_results_that_this_user_may_not_remove(checkout: Path) -> None:
    """As a user's, after root has built them: what doit calls an action, and shows with a traceback."""
    results = checkout / "build" / "minimal"
    (results / "minimal-amd64.iso").touch()
    files = {"minimal-amd64.iso": {"size": 0}}
    (results / "build.json").write_text(json.dumps({"files": files}))
    results.chmod(0o555)
    said = doit(checkout, "clean", "--db-file", "db", "build:minimal", status=3)
    assert re.search(r"ERROR: build/minimal/\S+: cannot be removed \(Permission denied\); run as root\n", said), said
