"""The table of rules: the RULE of every module in `PACKAGES`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from debate import PACKAGE
from debate.declarations import declarations
from debate.errors import DebateError
from debate.steps.rule import OrderError, Rule, in_order
from debate.text.paths import shown

PACKAGES = ("steps", "images")
"""Packages below debate/ whose modules may hold a rule."""
_STRANGERS = {"system", "bootstrap"}
"""The rights with which programs of packages and hooks run for a profile."""


def shell_steps() -> tuple[str, ...]:
    """The rules in which a shell can be opened."""
    return tuple(rule.name for rule in rules().values() if rule.has_shell)


@cache
def held() -> tuple[str, ...]:
    """The rules, in their order, whose outputs are sent to the remote only after `secrets` has searched the image.

    They have what strangers' programs left, or are made of it.
    """
    found: tuple[str, ...] = ()
    for rule in rules().values():
        if rule.profile and rule.outputs and (_STRANGERS & set(rule.rights) or set(found) & set(rule.needs)):
            found += (rule.name,)
    return found


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by name, each after those that it needs.

    Raises DebateError for a module that cannot be imported, whose RULE is not a rule or has the name of another, and
    for rules that `debate.steps.rule.in_order` refuses.
    """
    found = dict[str, Rule]()
    for package in PACKAGES:
        for path, rule in declarations(PACKAGE / package, f"debate.{package}", "RULE", Rule).items():
            if rule.name in found:
                raise DebateError(f"another file declares the rule {rule.name}", "rename it", place=shown(path))
            found[rule.name] = rule
    try:
        return in_order(found)
    except OrderError as error:
        raise DebateError(error.fact, error.remedy, place=found[error.rule].file) from error
