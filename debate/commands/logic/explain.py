"""Which steps would run, and why; for the others, why they last ran.

This runs the code that builds, with a builder that only looks results up and with records that are written to memory.
A step whose result is not found would run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from debate import __version__, keys
from debate.build.builder import Builder, Check
from debate.commands.command import Answer
from debate.errors import DebateError, Problem
from debate.history.check import is_whole
from debate.history.reasons import Last, Reason, reasons
from debate.history.records import Records, Report
from debate.host.files import read_object
from debate.model import Result, Step, Supplies
from debate.profile import profile_names
from debate.steps.rule import HOST, TOOLS, Rule, needed
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild, Work
from debate.text.printable import shortened


class _RunsError(Exception):
    """A step would have to run."""

    def __init__(self, ingredients: Mapping[str, Any]) -> None:
        self.ingredients = ingredients


class _WaitsError(Exception):
    """A step reads the record of another step that would have to run first."""

    def __init__(self, step: str) -> None:
        self.step = step


@dataclass(frozen=True)
class _DryBuilder(Builder):
    """Finds results in the cache, and makes none."""

    def obtain(
        self,
        name: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        make: Any,  # noqa: ARG002
        notes: Any = dict,  # noqa: ARG002
        last: Result | None = None,
        check: Check = lambda _: None,
        *,
        hold: bool = False,  # noqa: ARG002
    ) -> Result:
        found = self.known(name, keys.key(ingredients), ingredients, outputs, last)
        if found is None or not self._is_believed(found, check):
            raise _RunsError(ingredients)
        return found

    def remember(self, result: Result, *, hold: bool = False) -> None:
        """Does nothing."""

    def run(self, step: Step, supplies: Supplies, log: Path) -> NoReturn:  # noqa: ARG002
        raise _RunsError({})


class _DryRecords(Records):
    """Reads an output directory, and writes to memory instead."""

    def __init__(self, directory: Path, profile: str) -> None:
        super().__init__(directory)
        self.profile = profile
        self.memory: dict[str, Any] = {}
        self.unknown: set[str] = set()
        """Files that a step would have to write first."""

    def load(self, name: str) -> Any:
        if name in self.unknown:
            raise _WaitsError(f"{name}:{self.profile}" if self.profile != HOST else name)
        return self.memory[name] if name in self.memory else super().load(name)

    def save(self, name: str, value: Any) -> None:
        self.memory[name] = json.loads(json.dumps(value))


class _DryWork(Work):
    def remember(self, result: Result | None = None) -> Report:  # noqa: ARG002 - a dry run keeps nothing
        return {}


@dataclass(frozen=True)
class _DryBuild(ProfileBuild):
    """The steps of a profile; those of all profiles share their memory."""

    records_by_name: dict[str, _DryRecords] = field(default_factory=dict)

    @property
    def records(self) -> _DryRecords:
        return self.records_by_name.setdefault(self.name, _DryRecords(self.directory, self.name))

    def of(self, name: str) -> ProfileBuild:
        return replace(self, name=name)

    def work(self, rule: str) -> Work:
        return _DryWork(self, rules()[rule])


@dataclass(frozen=True, eq=False)
class _Verdict:
    """What would happen to a step."""

    text: str
    ingredients: Mapping[str, Any] | None = None
    """The ingredients of a step that would run, as far as known; None for one that would not."""
    problems: tuple[Problem, ...] = ()
    """Of a step that would fail."""


_SAME = _Verdict("up to date")
_CACHED = _Verdict("from the cache")
_REPAIRED = _Verdict("from the cache")
"""Its record, its trace or what it keeps for its next run is missing or damaged.

If the record was the same, later steps need not run.
"""


def explain(build: ProfileBuild) -> Answer:
    """The report. Raises DebateError if the profile is not valid.

    Its data have an object for each step: its task, its verdict and ``why`` it would run or, if it is up to date, ran.
    """
    refused: list[str] = []
    """Lines about results that do not count, for the present step."""
    dry = _DryBuild(build.settings, build.name, _DryBuilder(build.settings, build.store, refused.append))
    root = build.profile()
    for base in reversed(profile_names.chain(build.settings.profiles, build.name)):
        for rule in _needed_below():
            _verdict(replace(build, name=base), replace(dry, name=base), rule)
    refused.clear()
    lines, verdicts, data = [], dict[str, _Verdict](), []
    for rule in _of_interest(build):
        name = build.name if rule.profile else HOST
        own, real = replace(dry, name=name), replace(build, name=name)
        verdict = verdicts[rule.name] = _verdict(real, own, rule) if rule.pure else _results(real, rule, verdicts)
        if not rule.root:
            continue
        task = f"{rule.name}:{name}" if rule.profile else rule.name
        lines.append(f"{task}  {verdict.text}")
        why: list[Reason] = []
        last = Last.load(real.records, rule.name)
        if verdict.ingredients is not None:
            contents = own.records.memory.get("contents", {})
            why = reasons(last, own.work(rule.name).what_it_reads(), verdict.ingredients, contents, lambda: root)
            why = why or [Reason("lost")]
            lines += [f"    {reason}" for reason in (*why, *refused)]
        elif verdict is _SAME:
            why = last.why
            lines += [f"    {line}" for line in last_run(last)]
        elif verdict is _REPAIRED:
            why = [Reason("record")]
            lines.append(f"    {why[0]}")
        refused.clear()
        data.append({"task": task, "verdict": verdict.text, "why": [reason.to_json() for reason in why]})
    text = "\n".join([f"{build.name}  config {dry.config_hash()[:16]}{_by(build)}", *lines]) + "\n"
    problems = tuple(problem for verdict in verdicts.values() for problem in verdict.problems)
    return Answer(text, good=not problems, problems=problems, data=tuple(data))


def _by(build: ProfileBuild) -> str:
    """Which debate built it last, if it was another one."""
    last = str(read_object(build.directory / "manifest.json").get("debate", __version__))
    return "" if last == __version__ else f"; built last by debate {shortened(last, 40)}, and this is {__version__}"


def _of_interest(build: ProfileBuild) -> list[Rule]:
    """The rules of a build, and those that another command ran here."""
    built = needed(rules(), rules()["build"].made)
    traces = build.directory / "traces"
    return [rule for rule in rules().values() if rule in built or (traces / f"{rule.name}.json").exists()]


def _needed_below() -> list[Rule]:
    """The rules to evaluate for a base profile: those whose records other profiles read, and what these need."""
    read = {record for rule in rules().values() for record in rule.below}
    return [rule for rule in needed(rules(), read) if rule.profile]


def last_run(last: Last) -> Iterator[str]:
    """When and why a step last ran."""
    if last.why:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(last.trace.get("when", 0))))
        source = str(last.trace.get("source"))
        how = {"local": "taken from the cache", "remote": "fetched from the remote"}.get(source, "built")
        yield f"{how} {when}, because:"
        yield from (f"  {reason}" for reason in last.why)


def _verdict(real: ProfileBuild, dry: _DryBuild, rule: Rule) -> _Verdict:
    try:
        dry.make(rule.name)
    except _RunsError as error:
        dry.records.unknown.update(rule.made)
        return _Verdict("would run", error.ingredients)
    except _WaitsError as error:
        dry.records.unknown.update(rule.made)
        return _Verdict(f"undecided: depends on the result of {error.step}")
    except DebateError as error:
        if not rule.root:
            raise  # The profile is not valid.
        dry.records.unknown.update(rule.made)
        return _Verdict(f"would fail: {error}", problems=error.problems)
    try:
        if real.load(rule.name) != dry.records.memory.get(rule.name):
            return _CACHED
    except DebateError:
        return _REPAIRED
    return _SAME if _is_told(real, rule, dry.records.memory) else _REPAIRED


def _is_told(real: ProfileBuild, rule: Rule, written: Collection[str] = ()) -> bool:
    """True if the output directory tells how the step last ran, as each that is shown does.

    And what it kept for its next run, of which a step may leave less: ``written`` has what it would keep again.
    """
    names = [name for name in rule.remembered if name not in rule.memory or name in written]
    return not rule.root or all(is_whole(name, real.directory / f"{name}.json") for name in names)


def _results(real: ProfileBuild, rule: Rule, verdicts: Mapping[str, _Verdict]) -> _Verdict:
    """The verdict on a rule that cannot be run without side effects."""
    others = {name: verdicts[name] for name in rule.reads if name in verdicts}
    same = all(verdict is _SAME for verdict in others.values())
    if same and rule.whole(real.settings, real.name) and _is_told(real, rule):
        return _SAME
    undecided = [name for name, verdict in others.items() if verdict not in (_SAME, _CACHED)]
    if undecided:
        task = undecided[0] if undecided[0] == TOOLS else f"{undecided[0]}:{real.name}"
        return _Verdict(f"undecided: depends on the result of {task}")
    return _Verdict("would run")
