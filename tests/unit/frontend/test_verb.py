"""What people type without looking it up."""

from __future__ import annotations

import subprocess

import pytest

from debate.frontend import help as help_
from debate.frontend.verb import verbose
from tests.conftest import ROOT
from tests.integration.checkout import DOIT


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("build:a", "build:a"),
        ("-v build:a", "-v 2 build:a"),
        ("build:a -v", "-v 2 build:a"),
        ("build:a --verbose build:b", "-v 2 build:a build:b"),
        ("-v 0 build:a", "-v 0 build:a"),
        ("-c -v 1 build:a", "-v 1 -c build:a"),
        ("-v2 build:a", "-v2 build:a"),
        ("-v 2", "-v 2"),
    ],
)
def test_verbose(words: str, wanted: str) -> None:
    assert verbose(words.split()) == wanted.split()


def doit(*words: str) -> str:
    done = subprocess.run([DOIT, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("words", ["-h", "help", "run --help"])
def test_help(words: str) -> None:
    assert doit(*words.split()) == help_.OVERVIEW


@pytest.mark.parametrize("words", ["build --help", "build:minimal -h", "--verbose build:minimal --help", "help build"])
def test_help_of_a_task(words: str) -> None:
    assert doit(*words.split()) == help_.TASKS["build"]


def test_doits_own_help_points_there() -> None:
    assert "doit help              tell what there is to do and how; start here" in doit("--help")
