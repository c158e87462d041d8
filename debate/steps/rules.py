"""The table of rules: the RULE of every module in `PACKAGES`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from debate import PACKAGE
from debate.steps.rule import Rule, in_order

PACKAGES = ("steps", "images")
"""Packages below debate/ whose modules may hold a rule."""


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by name, each after those that it needs.

    A module with a rule has the text ``RULE = Rule(`` at the start of a line; others are not imported.
    """
    found = {}
    for package in PACKAGES:
        for path in sorted((PACKAGE / package).glob("*.py")):
            if _declares(path):
                rule: Rule = importlib.import_module(f"debate.{package}.{path.stem}").RULE
                found[rule.name] = rule
    return in_order(found)


def _declares(path: Path) -> bool:
    return b"\nRULE = Rule(" in path.read_bytes()
