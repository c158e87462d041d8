"""Rules and commands as doit tasks.

Defining a task reads no profile. The last `config` step recorded the files that the profile was read from; before the
first one, the profile's own file is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from debate import PACKAGE, distributions, settings
from debate.commands.command import commands
from debate.errors import DebateError, Problem
from debate.graph import committed, words
from debate.graph.command_tasks import command_tasks
from debate.graph.left_out import left_out
from debate.graph.run import Run
from debate.graph.untouched import untouched
from debate.host.stamp import stamp
from debate.profile import profile_names
from debate.steps import signing
from debate.steps.rule import CONFIG, HOST, TOOLS, Rule
from debate.steps.rule import needed as rules_needed
from debate.steps.rules import rules

Task = dict[str, Any]


class Graph:
    """The tasks of one checkout."""

    def __init__(self, root: Path) -> None:
        checks: Mapping[str, Callable[[str], object]] = {
            "base": distributions.for_tools, "remote": _check_remote, "remote_keys": _check_keys,
            "remote_sign": _check_secret_key, "keyrings": distributions.require_keyring,
            "mirrors": partial(_check_mirror, root),
        }  # fmt: skip
        found = settings.load(root, checks=checks)
        more = (*signing.refuse(found), *committed.refuse(found))
        self.settings = replace(found, warnings=(*found.warnings, *more))
        self.run = Run(self.settings)
        self.selected: set[str] | None = None
        """The profiles that the command line names; None for all. The loader sets it."""
        self.named_commands: list[str] | None = None
        """The commands that the command line names; None for all."""
        self.outlined = False
        """True if tasks are only shown: they have a name and a description, and no file of a profile is read."""
        self.shown_rules: set[str] | None = None
        """The rules whose tasks of profiles are made; None for all. The others have only their group."""
        self._names: list[str] | None = None
        """The names of all profiles, once they were listed."""
        self._bases: dict[str, str | None] = {}
        """Profile -> its base, as far as it was read for these tasks."""
        self._spared: set[str] | None = None
        """The profiles that the command line names beside tasks of all; None if none is left out."""
        self._left_out: Mapping[str, Problem] | None = None
        self.goes_on = False
        """True if a failed task ends only what needs it (doit's --continue). The loader sets it."""

    def narrow(self, words_: list[str], *, runs: bool = False) -> None:
        """Limit the tasks to the profiles and commands that ``words_`` (doit's arguments) name.

        ``runs``: True if they are to run, so that `left_out` counts.
        """
        self._spared = words.named(words_, self.settings.profiles) if runs and self._needs_tools(words_) else None
        self.selected = words.selected(words_, self.settings.profiles)
        self.named_commands = words.named_commands(words_)
        self.run.refresh = words.refreshed(words_, self.settings.profiles)

    def narrow_to_groups(self, words_: list[str]) -> None:
        """Limit the tasks to one for each rule and command, and those of profiles that ``words_`` name (build:NAME)."""
        named = [word for word in words_ if ":" in word]
        self.selected = words.selected(named, self.settings.profiles) if named else set()
        self.named_commands = None

    def outline(self, words_: list[str]) -> None:
        """Limit the tasks to what a list of ``words_`` shows of them: names and descriptions."""
        self.narrow(words_)
        self.outlined = True
        if self.named_commands is not None:
            self.shown_rules = {word.partition(":")[0] for word in words_}

    def widen(self) -> None:
        """Make the tasks of all profiles and commands, whatever the words name."""
        self.selected = self.named_commands = self.shown_rules = self._spared = None

    def profiles(self) -> list[str]:
        """The profiles that have tasks."""
        if self._names is None:
            self._names = profile_names.names(self.settings.profiles)
        names, selected = self._names, self.selected
        if selected is None:
            below = [] if self.outlined else map(self._shipped_below, names)
            return [*names, *sorted({name for each in below for name in each})]
        there = self.settings.profiles
        more = (name for name in selected if profile_names.is_shipped(name) and profile_names.is_there(there, name))
        return [*(name for name in names if name in selected), *sorted(more)]

    @property
    def left_out(self) -> Mapping[str, Problem]:
        """Profiles that nobody named and this host cannot build -> why. They have only tasks that need no tools."""
        if self.selected is not None or self._spared is None:
            return {}
        if self._left_out is None:
            self._left_out = left_out(self.settings, [name for name in self.profiles() if name not in self._spared])
        return self._left_out

    def _needs_tools(self, words_: list[str]) -> bool:
        """True if one of ``words_`` stands for tasks of all profiles that need the tools tree."""
        return any("*" in needs or _with_tools(needs) for needs in words.needs_of_all(words_))

    def _with(self, names: Iterable[str]) -> Sequence[str]:
        """The profiles that have tasks of the rules ``names``, or of what needs them."""
        left = self.left_out if _with_tools(names) else ()
        return [name for name in self.profiles() if name not in left]

    def _shipped_below(self, profile: str) -> list[str]:
        """The shipped profiles on which ``profile`` is built. Its base is read for its own tasks, too."""
        if self._base(profile) is None:
            return []
        return [name for name in profile_names.chain(self.settings.profiles, profile) if profile_names.is_shipped(name)]

    def steps(self) -> Iterator[Task]:
        """A task for each rule: one for each profile, or one for the host."""
        for rule in rules().values():
            if rule.profile:
                yield {"basename": rule.name, "name": None, "doc": rule.doc}
                if self.shown_rules is not None and rule.name not in self.shown_rules:
                    continue
                for name in self._with([rule.name]):
                    task = {"doc": rule.doc, "actions": None} if self.outlined else self.step(rule, name)
                    yield {"basename": rule.name, "name": name, **task}
            else:
                yield {"basename": rule.name, **self.step(rule, HOST), "task_dep": self.first()}

    def first(self) -> list[str]:
        """The tasks that come before those of the host, so that problems of a profile are told before work starts."""
        none = self.selected is None or self.goes_on or self.outlined
        return [] if none else [f"{CONFIG}:{name}" for name in self.profiles()]

    def commands(self) -> Iterator[Task]:
        """Tasks for the commands."""
        names = commands() if self.named_commands is None else self.named_commands
        yield from command_tasks(
            [commands()[name] for name in names],
            context=self.run.context,
            record=self.records,
            profiles=lambda command: self._with(rules() if "*" in command.needs else command.needs),
            named=self.profiles() if self.selected is not None else [],
            shells={rule.name: partial(self.reads, rule) for rule in rules().values() if rule.has_shell},
        )

    def step(self, rule: Rule, profile: str) -> Task:
        """The task of one rule for one profile."""
        directory = self.settings.output / profile
        path = str(directory)
        record = Path(f"{path}/{rule.name}.json")
        code = stamp(PACKAGE, self.settings.scripts)
        uptodate: list[Any] = [
            (untouched, [{name: f"{path}/{name}.json" for name in rule.remembered}]),
            _config_changed(f"{code} {rule.state(self.settings, profile)}"),
            (rule.whole, [self.settings, profile]),
        ]
        if rule.outputs:
            uptodate.append((self.run.present, [record]))
        if rule.on_request and profile in self.run.refresh:
            uptodate.append(False)
        return {
            "doc": rule.doc,
            "actions": [(self.make, [rule, profile])],
            "file_dep": self.reads(rule, profile),
            "targets": [f"{path}/{rule.name}.json", *(f"{path}/{target}" for target in _further(rule))],
            "uptodate": uptodate,
            "clean": [(rule.clean, [directory])] if rule.clean else True,
            "meta": {"root": rule.root},
        }

    def make(self, rule: Rule, profile: str, task: Any) -> Any:
        """Run one step. Then tell doit which files it read, so that doit watches these from now on."""
        result = self.run.make(rule, profile)
        self._bases.pop(profile, None)
        task.file_dep = set(self.reads(rule, profile))
        return result

    def reads(self, rule: Rule, profile: str) -> list[str]:
        """All files that a step depends on, except code."""
        output = str(self.settings.output)
        found = [f"{output}/{profile}/slices/{name}.json" for name in rule.slices_read]
        found += [f"{output}/{profile}/{record}.json" for record in rule.needs]
        if base := self._base(profile) if rule.below else None:
            found += [f"{output}/{base}/{record}.json" for record in rule.below]
        if rule.tools:
            found.append(f"{output}/{HOST}/{TOOLS}.json")
        return sorted({*found, *rule.watches(self.settings, profile)})

    def _base(self, profile: str) -> str | None:
        """The base of a profile.

        doit refuses a circular graph in its own words; without these edges, `config` fails with the problem's place.
        """
        if profile not in self._bases:
            directory = self.settings.profiles
            endless = profile_names.endless(directory, profile)
            self._bases[profile] = None if endless else profile_names.base(directory, profile)
        return self._bases[profile]

    def records(self, need: str, profile: str) -> list[str]:
        """The records of the rule that a command needs, or of all that `verify` compares for ``*``."""
        wanted = [rule for rule in rules().values() if rule.name == need or (need == "*" and rule.compared)]
        output = self.settings.output
        return [str(output / (profile if rule.profile else HOST) / f"{rule.name}.json") for rule in wanted]


def _with_tools(names: Iterable[str]) -> bool:
    """True if one of the rules ``names``, or one that it needs, runs sandboxes in the tools tree."""
    return any(rule.tools for rule in rules_needed(rules(), names))


def _check_keys(path: str) -> None:
    from debate.remote import signing

    signing.public_keys(Path(path))


def _check_secret_key(path: str) -> None:
    from debate.remote import signing

    signing.require_secret_key(Path(path))


def _check_mirror(root: Path, name: str) -> None:
    """Names of repositories are free, so only what is likely to be another's is refused, if no profile mentions it."""
    meant = distributions.misspelt_mirror(name)
    if meant and not profile_names.mentions(root / "profiles", name):
        fact = f"no profile has a repository {name!r}, so it would have no effect"
        raise DebateError(fact, f"did you mean {meant!r}?")


def _check_remote(address: str) -> None:
    from debate.remote import transport

    transport.kind(address)


def _further(rule: Rule) -> Mapping[str, None]:
    """The files that a rule writes in addition to its record: for `config`, the slices of all rules."""
    slices = [f"slices/{other.name}.json" for other in rules().values() if other.slice] if rule.name == CONFIG else []
    return dict.fromkeys([*(f"{record}.json" for record in rule.records), *slices])


def _config_changed(value: str) -> Any:
    from doit.tools import config_changed

    return config_changed(value)
