"""What every command declares."""

from __future__ import annotations

import inspect

import pytest

from debate.commands.command import Command, Option, commands
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
    assert first == "doit" if command.name == "profiles" else first.startswith(f"doit {command.name}{label}")
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


def test_names_in_python() -> None:
    assert [Option(name, "").parameter for name in ("size", "from", "dry-run")] == ["size", "from_", "dry_run"]
