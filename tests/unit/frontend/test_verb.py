"""What people type without looking it up."""

from __future__ import annotations

import subprocess

import pytest

from debate.frontend import help as help_
from debate.steps.rules import rules
from tests.conftest import ROOT
from tests.integration.checkout import DOIT


def doit(*words: str, status: int = 0, error: str = "") -> str:
    done = subprocess.run([DOIT, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, error)
    return done.stdout


@pytest.mark.parametrize("words", ["-h", "help", "run --help"])
def test_help(words: str) -> None:
    assert doit(*words.split()) == help_.overview()


@pytest.mark.parametrize("words", ["build --help", "build:minimal -h", "--verbose build:minimal --help", "help build"])
def test_help_of_a_task(words: str) -> None:
    assert doit(*words.split()) == rules()["build"].usage


@pytest.mark.parametrize("words", ["gc --help", "help gc", "gc --size 1G -h"])
def test_help_of_a_command(words: str) -> None:
    assert doit(*words.split()).startswith("doit gc [--size 20G] [--age 30d]\n\n")


def test_doits_own_help_points_there() -> None:
    assert "doit help              show help; start here" in doit("--help")
    assert "--format" in doit("help", "run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cache x", "cache: 'x' is not a task, and cache takes no names; doit cache"),
        ("gc --size 1G x", "gc: 'x' is not a task, and gc takes no names; doit gc [--size 20G] [--age 30d]"),
        ("gc --nonsense", "gc: unknown option --nonsense; known: --size, --age"),
        ("validate --format xml", "doit: --format: unknown value 'xml'; one of text, github, json"),
        ("--nonsense doctor", "option --nonsense not recognized; doit help run lists doit's options"),
    ],
)
def test_nothing_is_silently_ignored(words: str, message: str) -> None:
    assert doit(*words.split(), status=3, error=f"ERROR: {message}\n") == ""
