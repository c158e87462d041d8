"""What the words on doit's command line name: profiles, and steps of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from debate.commands.command import commands
from debate.profile import profile_names
from debate.steps.rules import rules
from debate.text.paths import shown
from debate.text.suggest import suggest

_PATTERN = set("*?[")


def selected(words: Sequence[str], profiles: Path) -> set[str] | None:
    """The profiles that ``words`` name, with those on which they are based; None where some word names none."""
    named = {word.partition(":")[2].rpartition(":")[2] for word in words}
    if not words or any(not name or _PATTERN & set(name) for name in named):
        return None
    return named | {base for name in named for base in profile_names.chain(profiles, name)}


def refreshed(words: Sequence[str], profiles: Path) -> set[str]:
    """The profiles whose lock is asked for by name."""
    if "lock" in words:
        return set(profile_names.names(profiles))
    return {word.partition(":")[2] for word in words if word.startswith("lock:")}


def problem(words: Sequence[str], profiles: Path) -> str:
    """What is wrong with words that look like STEP:NAME and are no tasks, or an empty string."""
    for word in words:
        step, colon, rest = word.partition(":")
        inner, _, name = rest.rpartition(":")
        if not colon or not name or _PATTERN & set(name) or "/" in word:
            continue

        if step == "shell" and inner not in _shells():
            fact = f"{inner!r} is not a step with a shell" if inner else "names no step"
            return f"{word}: {fact}; write shell:STEP:{name}, with STEP one of {', '.join(_shells())}"
        if step not in per_profile():
            return f"there is no task {step!r}; {suggest(step, per_profile())}"
        known = profile_names.names(profiles)
        if name not in known:
            return f"{shown(profiles / f'{name}.yaml')}: there is no such profile; {suggest(name, known)}"
    return ""


def per_profile() -> Mapping[str, str]:
    """Tasks that there are for each profile, and what they do."""
    made = {rule.name: rule.doc for rule in rules().values() if rule.profile}
    return made | {command.name: command.doc for command in commands().values() if command.per}


def _shells() -> list[str]:
    return [rule.name for rule in rules().values() if rule.has_shell]
