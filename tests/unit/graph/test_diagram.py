"""The diagram in docs/internals.md is that of the rules and commands."""

from __future__ import annotations

import os
import re

from debate.commands.command import commands
from debate.graph.diagram import mermaid
from debate.steps.rules import rules
from tests.conftest import ROOT

INTERNALS = ROOT / "docs" / "internals.md"
BLOCK = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def test_the_documented_diagram() -> None:
    text, made = INTERNALS.read_text(), mermaid(rules(), commands())
    assert len(BLOCK.findall(text)) == 1
    if os.environ.get("DEBATE_TEST_GOLDEN") == "write":
        INTERNALS.write_text(BLOCK.sub(lambda _: made, text))
    assert BLOCK.findall(INTERNALS.read_text()) == [made], (
        "docs/internals.md is out of date; run DEBATE_TEST_GOLDEN=write pytest tests/unit/graph/test_diagram.py"
    )


def test_it_names_every_rule() -> None:
    made = mermaid(rules(), commands())
    assert all(re.search(rf"\b{name}$", made, re.MULTILINE) or f" {name} " in made for name in rules())
