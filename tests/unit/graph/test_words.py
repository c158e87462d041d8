"""Which profiles the words of a command line ask to have made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.graph import words
from debate.graph.tasks import Graph
from debate.profile import profile_names
from debate.steps.rule import HOST, Rule
from debate.steps.rules import rules
from tests.conftest import ROOT

PROFILES = {"minimal", "rescue"}
EACH = pytest.mark.parametrize("rule", [rule for rule in rules().values() if rule.profile], ids=lambda rule: rule.name)


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    for name in PROFILES:
        (tmp_path / f"{name}.yaml").touch()
    return tmp_path


@EACH
def test_a_rule_says_if_a_request_makes_it_again(profiles: Path, rule: Rule) -> None:
    asked = {
        (rule.name,): PROFILES,
        (f"{rule.name}:minimal",): {"minimal"},
        (f"{rule.name}:minimal", "build:rescue"): {"minimal"},
    }
    for line, expected in asked.items():
        assert words.refreshed(line, profiles) == (expected if rule.on_request else set()), line


@pytest.mark.parametrize("rule", rules().values(), ids=list(rules()))
def test_then_its_task_is_not_up_to_date(rule: Rule) -> None:
    graph = Graph(ROOT)
    profile = "minimal" if rule.profile else HOST
    assert False not in graph.step(rule, profile)["uptodate"]
    graph.run.refresh = {profile}
    assert (False in graph.step(rule, profile)["uptodate"]) == rule.on_request


DECLARED = {
    ("validate",): 0, ("profiles",): 0, ("cache", "doctor"): 0, ("sandbox",): 0, ("validate", "build:minimal"): 1,
    ("build:minimal", "build:rescue"): 2, ("build",): 2, ("*",): 2, ("my-own",): 2, (): 2,
}  # fmt: skip
"""The words after `doit`, and the profiles of which they need tasks."""


@pytest.mark.parametrize("line", DECLARED)
def test_only_profiles_that_are_named_have_tasks(profiles: Path, line: tuple[str, ...]) -> None:
    selected = words.selected(line, profiles)
    assert len(PROFILES if selected is None else PROFILES & selected) == DECLARED[line]


@pytest.mark.parametrize(("line", "expected"), [((), 0), (("build",), 0), (("build", "hash:minimal"), 1)])
def test_a_list_of_groups_needs_no_profile(line: tuple[str, ...], expected: int) -> None:
    graph = Graph(ROOT)
    graph.narrow_to_groups([*line])
    assert len(graph.profiles()) == expected
    assert {task["basename"] for task in graph.steps()} == {*rules()}


@pytest.mark.parametrize(
    "file", ["minimal.yaml", "minimal.yml", "profiles/minimal.yaml", "./minimal.yml", "/x/minimal.yaml"]
)
def test_a_profile_by_its_file(profiles: Path, file: str) -> None:
    assert profile_names.unknown(profiles, file, PROFILES)[1] == "did you mean 'minimal'?"
    for word, meant in {
        f"show:{file}": "show:minimal",
        file: "build:minimal",
        f"biuld:{file}": "build:minimal",
    }.items():
        assert words.unknown(word, profiles).remedy == f"did you mean {meant!r}?"
    assert profile_names.of_file(file.replace("minimal", "other"), PROFILES) is None
    assert profile_names.of_file(file.replace("ml", "json").replace(".yjson", ".json"), PROFILES) is None
