"""The table of rules: the RULE of every module in `PACKAGES`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from debate import PACKAGE
from debate.declarations import declarations
from debate.errors import DebateError
from debate.steps.rule import Rule, in_order
from debate.text.paths import shown

PACKAGES = ("steps", "images")
"""Packages below debate/ whose modules may hold a rule."""


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by name, each after those that it needs.

    Raises DebateError for a module whose RULE is not a rule or has the name of another, and ValueError for rules that
    `debate.steps.rule.in_order` refuses.
    """
    found = {}
    for package in PACKAGES:
        for path, rule in declarations(PACKAGE / package, f"debate.{package}", "RULE", Rule).items():
            if rule.name in found:
                raise DebateError(f"another file declares the rule {rule.name}", "rename it", place=shown(path))
            found[rule.name] = rule
    return in_order(found)
