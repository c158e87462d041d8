"""Help, the README's table and fish's completion are what the commands say of themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from doit.doit_cmd import DoitMain

from debate.commands.command import commands
from debate.frontend import completion
from debate.frontend import help as help_
from debate.frontend.verb import Run
from debate.steps.rules import rules
from tests.conftest import ROOT

GENERATED = "is not what the commands say; DEBATE_TEST_GOLDEN=write pytest tests/unit/frontend/test_help.py writes it"


def readme(text: str) -> str:
    """The README with its table of commands made anew."""
    table = re.compile(r"^\| command \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
    assert len(table.findall(text)) == 1
    return table.sub(lambda _: help_.markdown(), text)


@pytest.mark.parametrize(
    ("path", "made"),
    [(ROOT / "README.md", readme), (ROOT / "completion" / "doit.fish", lambda _: completion.fish())],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_generated_text(path: Path, made: Callable[[str], str]) -> None:
    text = path.read_text()
    wanted = made(text)
    if os.environ.get("DEBATE_TEST_GOLDEN") == "write":
        path.write_text(wanted)
    assert path.read_text() == wanted, f"{path.name} {GENERATED}"


NAMED = [rule.name for rule in rules().values() if rule.usage]


def test_everything_is_in_the_overview_once() -> None:
    labels = [line.split()[0] for line in help_.overview().splitlines() if line.startswith("  ")]
    names = [label.partition(":")[0] for label in labels]
    assert sorted(names) == sorted([*commands(), *NAMED])


@pytest.mark.parametrize("name", [*commands(), *NAMED])
def test_every_command_has_help(name: str) -> None:
    said = help_.text(f"{name}:minimal")
    assert said.startswith(("doit", "debate init"))
    assert "{" not in said
    assert said in help_.text(name)


def test_no_help() -> None:
    assert help_.text("nonsense") == ""


def test_the_steps_of_a_shell() -> None:
    *most, last = help_.shell_steps()
    assert f"STEP is {', '.join(most)} or {last}." in help_.text("shell")


def test_completion_offers_what_doit_has() -> None:
    assert set(completion.DOIT) <= {command.get_name() for command in DoitMain.DOIT_CMDS}
    own = {(option["short"], option["long"]) for option in Run.cmd_options if option.get("short")}
    assert {(short, name) for short, name, _ in completion.RUN} <= own
    assert all(meaning in completion.fish() for _, _, meaning in completion.RUN)
