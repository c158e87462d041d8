"""`doit validate`: problems as values, and what people read."""

from __future__ import annotations

import pytest

from debate.commands.command import Context
from debate.commands.profiles import run as profiles
from debate.commands.validate import run as validate
from debate.errors import DebateError, Place, Problem
from debate.steps import config


def test_validate(context: Context) -> None:
    answer = validate(context, [])
    assert (answer.text, answer.good, answer.problems) == ("5 profiles: all valid\n", True, ())
    (context.settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\nhostname: a b\n")
    answer = validate(context, [])
    assert not answer.good
    assert "profiles/bad.yaml:2:1: unknown field 'pkgs'" in answer.text
    assert "profiles/bad.yaml:3:11: " in answer.text
    assert answer.text.endswith("6 profiles: 1 invalid, 2 problems\n")
    assert validate(context, ["minimal"]).good


def test_problems_are_values(context: Context) -> None:
    (context.settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\n")
    answer = validate(context, ["bad", "minimal"])
    (problem,) = answer.problems
    assert problem.place == Place("profiles/bad.yaml", 2, 1)
    assert problem.fact.startswith("unknown field 'pkgs'")
    assert answer.text.splitlines()[:-1] == [str(problem)]
    assert answer.data == ({"profile": "bad", "problems": 1}, {"profile": "minimal", "problems": 0})


def test_what_several_profiles_extend_is_wrong_once(context: Context) -> None:
    directory = context.settings.profiles
    (directory / "_shared.yaml").write_text("version: 1\npkgs: []\n")
    for name in ("one", "two"):
        (directory / f"{name}.yaml").write_text("version: 1\nextends: [minimal, _shared]\n")
    answer = validate(context, ["one", "two"])
    assert [problem.place for problem in answer.problems] == [Place("profiles/_shared.yaml", 2, 1)]
    assert answer.text.endswith("2 profiles: 2 invalid, 1 problem\n")


def test_a_problem_without_a_place_is_the_profiles(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DebateError("odd: 1:2:3; so", "do something; else")

    monkeypatch.setattr(config, "normalise", fail)
    expected = Problem(Place("profiles/minimal.yaml", 1, 1), "odd: 1:2:3; so", "do something; else")
    assert validate(context, ["minimal"]).problems == (expected,)


def test_validate_refuses(context: Context) -> None:
    with pytest.raises(DebateError, match="there is no profile 'minimul'; did you mean 'minimal'"):
        validate(context, ["minimul"])
    with pytest.raises(DebateError, match=r"^validate: _common can only be extended, not built; "):
        validate(context, ["_common"])


@pytest.mark.parametrize(
    ("file", "fact", "remedy"),
    [
        ("x.yml", "is not read, since a profile's file name ends in .yaml", "rename it to x.yaml"),
        ("x.YAML", "is not read, since a profile's file name ends in .yaml", "rename it to x.yaml"),
        ("_x.Yml", "is not read, since a profile's file name ends in .yaml", "rename it to _x.yaml"),
        ("x.lock.json", "is the lock of no profile to build", "rename it as its profile, or remove it"),
        ("_common.lock.json", "is the lock of no profile to build", "rename it as its profile, or remove it"),
    ],
)
def test_a_file_that_nobody_reads(context: Context, file: str, fact: str, remedy: str) -> None:
    (context.settings.profiles / file).write_text("version: 1\n")
    problem = Problem(Place(f"profiles/{file}", 1, 1), fact, remedy)
    assert validate(context, []).problems == (problem,)
    assert f"  {file}: {fact}; {remedy}\n" in profiles(context).text


def test_what_is_no_profile(context: Context) -> None:
    for file in (".x.yml.swp", ".x.yml", "README.md", "minimal.lock.json", "x.yaml~"):
        (context.settings.profiles / file).write_text("")
    assert validate(context, []).problems == ()


def test_a_profile_whose_file_has_another_suffix(context: Context) -> None:
    (context.settings.profiles / "web.yml").write_text("version: 1\n")
    (context.settings.profiles / "x.yaml").write_text("version: 1\nextends: [web]\n")
    with pytest.raises(DebateError, match=r"^validate: there is no profile 'web'; rename web.yml to web.yaml$"):
        validate(context, ["web"])
    (problem,) = validate(context, ["x"]).problems
    assert (problem.fact, problem.remedy) == ("there is no profile 'web'", "rename web.yml to web.yaml")
