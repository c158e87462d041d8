"""Records with values of unexpected types: they are an error of the record, never a defect of debate."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debate.commands.logic.explain import explain
from debate.commands.logic.verify import read
from debate.errors import DebateError
from debate.history.records import AGAIN, Records, save_json
from debate.history.shapes import SHAPES
from debate.steps.rule import HOST, Rule
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.unit.steps.fake import build_on_a_base

MISSING = object()
OTHERS = (MISSING, None, 1, -1.5, "x", [], [1], {}, {"x": 1}, True)
MEMORY = {name for rule in rules().values() for name in rule.memory}
RECORDS = tuple(name for name in SHAPES if not name.startswith("traces/") and name not in MEMORY)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value below a JSON value; of mappings, only the first three, and of lists, whose values have
    one form, only the first."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, below in list(items)[:3] if path else items:
        yield (*path, name)
        yield from paths(below, (*path, name))


def damaged(value: Any) -> Iterator[Any]:
    """Copies of a record, each with one value that is missing or another."""
    for *above, name in paths(value):
        for other in OTHERS:
            whole = at = copy.deepcopy(value)
            for step in above:
                at = at[step]
            if other is not MISSING:
                at[name] = other
            elif isinstance(at, dict):
                del at[name]
            yield whole


@pytest.fixture(scope="module")
def made(in_memory: Path) -> ProfileBuild:
    return build_on_a_base(in_memory)


def readers(made: ProfileBuild, name: str) -> Iterator[tuple[ProfileBuild, Rule]]:
    """The builds and rules that read a record, with the build to which the record belongs."""
    for rule in rules().values():
        if name == "sandbox" and rule.tools:
            yield made.of(HOST), rule
        elif name in rule.needs:
            yield made, rule
        if name in rule.below:
            yield made.of("below"), rule


@pytest.mark.parametrize("name", RECORDS)
def test_a_damaged_record_is_an_error_with_place_and_remedy(made: ProfileBuild, name: str) -> None:
    made.make("build")
    errors = []
    for owner, rule in readers(made, name):
        whole = owner.load(name)
        for value in damaged(whole):
            owner.records.save(name, value)
            try:
                made.make(rule.name)
            except DebateError as error:
                errors += error.problems
            finally:
                owner.records.save(name, whole)
    # What is wrong with a package has a line only if the profile names that package.
    placed = [problem for problem in errors if problem.place or problem.fact.startswith("packages: ")]
    assert [problem for problem in errors if problem not in placed or not problem.remedy] == []


@pytest.mark.parametrize("name", RECORDS)
def test_a_whole_record_is_read_and_another_object_is_not(made: ProfileBuild, name: str) -> None:
    made.make("build")
    owner = made.of(HOST) if name == "sandbox" else made
    whole = owner.load(name)
    owner.records.save(name, {"x": 1})
    with pytest.raises(DebateError, match=rf"/{name}\.json: damaged; {AGAIN}$"):
        owner.load(name)
    owner.records.save(name, whole)
    assert owner.load(name) == whole


def test_each_record_of_a_rule_has_a_shape() -> None:
    without = {"sources"}  # debate.profile.sources checks it: it is read before each run.
    assert {name for rule in rules().values() for name in rule.made} - without | MEMORY <= SHAPES.keys()


def test_explain_and_verify(made: ProfileBuild, tmp_path: Path) -> None:
    for name in ("rootfs", "lock", "hash"):
        whole = made.load(name)
        made.records.save(name, {"x": 1})
        answer = explain(made)
        lines = [line for line in answer.text.splitlines()[1:] if not line.startswith(" ")]
        assert lines == [f"{step['task']}  {step['verdict']}" for step in answer.data]
        with pytest.raises(DebateError, match="damaged"):
            read(made.settings, "minimal", name)
        made.records.save(name, whole)
    save_json(tmp_path / "traces/sandbox.json", {"step": "sandbox"})
    with pytest.raises(DebateError, match=r"traces/sandbox\.json: damaged; run the same command again"):
        Records(tmp_path).load("traces/sandbox")
