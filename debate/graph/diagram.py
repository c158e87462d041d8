"""Generates the diagram of the steps in docs/internals.md from the rules and the commands.

python -m debate.graph.diagram
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from debate.commands.command import Command, commands
from debate.steps.rule import CONFIG, TOOLS, Rule
from debate.steps.rules import rules


def mermaid(rules_: Mapping[str, Rule], commands_: Mapping[str, Command]) -> str:
    """A flow chart; an arrow is a record or a slice that is read. See https://mermaid.js.org/syntax/flowchart.html."""
    return "\n".join(["graph LR", f"    profile[profiles/NAME.yaml] --> {CONFIG}", *_arrows(rules_, commands_)]) + "\n"


def _arrows(rules_: Mapping[str, Rule], commands_: Mapping[str, Command]) -> Iterator[str]:
    makers = {record: rule.name for rule in rules_.values() for record in rule.made}
    for rule in rules_.values():
        for name in rule.slices_read:
            yield f"    {CONFIG} -->|{name}| {rule.name}"
        for maker in dict.fromkeys(makers[record] for record in rule.needs):
            if not (maker == CONFIG and rule.slices_read):
                yield f"    {maker} --> {rule.name}"
        for maker in dict.fromkeys(makers[record] for record in rule.below):
            yield f"    {maker} -.->|of the base| {rule.name}"
        if rule.tools:
            yield f"    {TOOLS} --> {rule.name}"
    for command in commands_.values():
        if command.per == "profile":
            for need in command.needs:
                if need in rules_:
                    yield f"    {need} --> {command.name}"


if __name__ == "__main__":
    sys.stdout.write(mermaid(rules(), commands()))
