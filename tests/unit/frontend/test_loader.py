"""Which tasks are refused without root before anything is made."""

from __future__ import annotations

import pytest

from debate.commands.command import commands
from debate.frontend.help import step_names
from debate.frontend.loader import needs_root


@pytest.mark.parametrize("name", commands())
def test_commands_say_it_themselves(name: str) -> None:
    assert needs_root(name) == needs_root(f"{name}:minimal") == commands()[name].root


def test_commands_that_mount() -> None:
    assert {name for name in commands() if needs_root(name)} == {"shell", "check", "verify", "push", "import-archiso"}


def test_all_steps_but_two() -> None:
    assert [name for name in step_names() if not needs_root(f"{name}:minimal")] == ["config", "hash"]


@pytest.mark.parametrize("word", ["mine", "mine:thing", "build/minimal/minimal-amd64.iso", "*:minimal"])
def test_a_task_of_ones_own_is_not_refused(word: str) -> None:
    assert not needs_root(word)
