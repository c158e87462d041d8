"""The profiles and steps that the words on doit's command line name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from debate.commands.command import commands
from debate.errors import Place, Problem
from debate.profile import profile_names
from debate.steps.rules import rules, shell_steps
from debate.text.paths import shown
from debate.text.printable import quoted, shortened
from debate.text.suggest import closest, suggest

_PATTERN = set("*?[")


def selected(words: Sequence[str], profiles: Path) -> set[str] | None:
    """The profiles that ``words`` name, and their bases; None if a word may stand for others, too."""
    if named_commands(words) is None:
        return None
    named = {word.partition(":")[2].rpartition(":")[2] for word in words if not _is_single(word)}
    if any(not name or _PATTERN & set(name) for name in named):
        return None
    return _with_bases(named, profiles)


def named(words: Sequence[str], profiles: Path) -> set[str]:
    """The profiles that ``words`` name one by one, and their bases."""
    names = {word.rpartition(":")[2] for word in words if ":" in word}
    return _with_bases({name for name in names if name and not _PATTERN & set(name)}, profiles)


def _with_bases(names: set[str], profiles: Path) -> set[str]:
    return names | {base for name in names for base in profile_names.chain(profiles, name)}


def needs_of_all(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """What each of ``words`` needs that stands for the tasks of all profiles: rules, or ``*`` for a pattern."""
    for word in words:
        if _PATTERN & set(word):
            yield ["*"]
        elif word in rules() and not _is_single(word):
            yield [word]
        elif word in commands() and not _is_single(word):
            yield commands()[word].needs


def named_commands(words: Sequence[str]) -> list[str] | None:
    """The commands that ``words`` name; None if a word may stand for a task that is neither a rule nor a command."""
    tasks = {word.partition(":")[0] for word in words}
    if not tasks or any(task not in rules() and task not in commands() for task in tasks):
        return None
    return sorted(task for task in tasks if task in commands())


def refreshed(words: Sequence[str], profiles: Path) -> set[str]:
    """The profiles whose lock is requested by name (`Rule.on_request`)."""
    steps = {rule.name for rule in rules().values() if rule.on_request}
    if steps & set(words):
        return set(profile_names.names(profiles))
    return {name for step, _, name in (word.partition(":") for word in words) if name and step in steps}


def problem(words: Sequence[str], profiles: Path) -> Problem | None:
    """The first problem with ``words`` of the form STEP:NAME that are not tasks; None if there is none."""
    for word in words:
        step, colon, rest = word.partition(":")
        inner, _, name = rest.rpartition(":")
        if not step or not colon or not name or _PATTERN & set(name) or "/" in word:
            continue
        if _is_per_step(step) and inner not in shell_steps():
            fact = f"{quoted(inner)} is not a step with a shell" if inner else "names no step"
            return Problem(Place(shortened(word, 300)), fact, _write_step(step, shortened(name, 300)))
        if step not in per_profile():
            return Problem(None, f"there is no task {quoted(step)}", suggest(step, per_profile()))
        if name not in profile_names.names(profiles):
            place = Place(shown(profiles / f"{name}.yaml")) if profile_names.can_be_extended(name) else None
            return Problem(place, *profile_names.missing(profiles, name))
    return None


def unknown(word: str, profiles: Path) -> Problem:
    """The problem with ``word``, which is neither a task nor a target."""
    step, colon, _ = word.partition(":")
    if colon and word.endswith(":") and step in per_profile():
        return Problem(Place(step), "names no profile", f"write {step}:NAME; `doit` lists the profiles")
    known = profile_names.names(profiles)
    if file := profile_names.of_file(word.rpartition(":")[2], known):
        task = f"{step}:{file}" if colon and step in per_profile() else f"build:{file}"
        return Problem(None, f"there is no task {quoted(word)}", f"did you mean {task!r}?")
    fitting = {name: name for name in (*rules(), *commands())}
    fitting |= {name: f"build:{name}" for name in known}
    found = word if word in fitting else closest(word, fitting)
    remedy = f"did you mean {fitting[found]!r}?" if found else "`doit help` shows the commands, `doit list` the tasks"
    return Problem(None, f"there is no task {quoted(word)}", remedy)


def without_step(words: Sequence[str]) -> Problem | None:
    """The problem of a word that is only the name of a command for steps; None if there is none."""
    for word in words:
        if _is_per_step(word):
            return Problem(Place(word), "names no step", _write_step(word, "NAME"))
    return None


def _is_per_step(command: str) -> bool:
    return command in commands() and commands()[command].per == "step"


def _write_step(command: str, name: str) -> str:
    """The remedy for a command without a step that it can take."""
    return f"write {command}:STEP:{name}, with STEP one of {', '.join(shell_steps())}"


def _is_single(task: str) -> bool:
    """True for a task of which there is one, whatever profiles there are."""
    return not commands()[task].per if task in commands() else task in rules() and not rules()[task].profile


def per_profile() -> Mapping[str, str]:
    """The tasks that exist for each profile, with their descriptions."""
    made = {rule.name: rule.doc for rule in rules().values() if rule.profile}
    return made | {command.name: command.doc for command in commands().values() if command.per}
