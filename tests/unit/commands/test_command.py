"""What every command declares."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from debate import commands as package
from debate.commands.command import Command, Commands, Option, commands
from debate.errors import DebateError
from debate.frontend.help import step_names

EACH = pytest.mark.parametrize("command", commands().values(), ids=list(commands()))


@EACH
def test_a_declaration_fits_its_function(command: Command) -> None:
    words = {option.parameter for option in command.options} | ({"names"} if command.names else set())
    words |= {"": set(), "profile": {"profile"}, "step": {"profile", "step"}}[command.per]
    assert set(inspect.signature(command.run).parameters) == {"context", *words}


@EACH
def test_usage(command: Command) -> None:
    first, empty, *rest = command.usage.splitlines()
    label = {"": "", "profile": ":NAME", "step": ":STEP:NAME"}[command.per]
    # Where doit finds no tasks, `init` makes them.
    program = "debate" if command.name == "init" else "doit"
    assert (
        first == "doit [profiles [NAME …]]"
        if command.name == "profiles"
        else first.startswith(f"{program} {command.name}{label}")
    )
    assert command.names in first
    for option in command.options:
        assert f"--{option.name}" in first or f"-{option.short} " in first
    assert empty == ""
    assert rest
    assert all(len(line) <= 100 for line in command.usage.splitlines())
    assert not command.doc.endswith(".")
    assert command.doc[0].islower()


@EACH
def test_needs_are_rules(command: Command) -> None:
    assert set(command.needs) <= {*step_names(), "*"}
    assert command.per or set(command.needs) <= {"sandbox"}, "of which profile?"


def test_the_name_is_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a command is found without importing all of them."""
    (tmp_path / "two_words.py").write_text("from debate.commands.gc import COMMAND\nCOMMAND = COMMAND\n")
    monkeypatch.setattr(package, "__path__", [str(tmp_path), *package.__path__])
    found = Commands(tmp_path)
    assert list(found) == ["two-words"]
    with pytest.raises(DebateError, match=r"two_words\.py: the command of this file is 'two-words', and its COMMAND"):
        found["two-words"]


def test_only_what_is_looked_up_is_imported() -> None:
    code = (
        "import sys; from debate.commands.command import commands\n"
        "assert 'explain' in commands() and len(commands()) > 9; commands()['show']\n"
        "print([name for name in ('show', 'explain', 'gc') if f'debate.commands.{name}' in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "['show']\n"


def test_names_in_python() -> None:
    assert [Option(name, "").parameter for name in ("size", "from", "dry-run")] == ["size", "from_", "dry_run"]
