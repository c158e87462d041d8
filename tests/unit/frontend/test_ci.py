"""Errors where GitHub shows them: at the line of the file. Text is never taken for a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.errors import Place, Problem
from debate.frontend import ci


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem(Place("p/x.yaml", 5, 12), "users: a", "b"), "file=p/x.yaml,line=5,col=12,title=lock x::users: a; b"),
        (Problem(Place("p/x.yaml", 5), "100% a\nb"), "file=p/x.yaml,line=5,title=lock x::100%25 a b"),
        (Problem(Place("p,x:y.yaml", 5, 1), "a"), "file=p%2Cx%3Ay.yaml,line=5,col=1,title=lock x::a"),
        (Problem(Place("there.yaml"), "a"), "file=there.yaml,title=lock x::a"),
        (Problem(Place("setting jobs"), "a", "b"), "title=lock x::setting jobs: a; b"),
        (Problem(None, "no space", "free some"), "title=lock x::no space; free some"),
        (Problem(None, "a\nx.yaml:1:1: c", "x.yaml:5:1: b"), "title=lock x::a x.yaml:1:1: c; x.yaml:5:1: b"),
        (Problem(None, "::add-mask::\x1b[31m##[x]"), "title=lock x::: :add-mask: :?[31m## [x]"),
    ],
)  # fmt: skip
def test_a_problem_is_shown_at_its_place(
    problem: Problem, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.yaml").touch()
    assert ci.errors([problem, problem], title="lock x") == [f"::error {expected}"] * 2


def test_details_stand_with_what_has_no_line() -> None:
    problems = [Problem(Place("x.yaml", 5), "a"), Problem(Place("lock:x"), "b", "c"), Problem(None, "d")]
    assert ci.errors(problems, details="> e\n> f") == [
        "::error file=x.yaml,line=5::a",
        "::error::lock:x: b; c%0A> e%0A> f",
        "::error::d%0A> e%0A> f",
    ]


def test_a_file_is_named_as_the_repository_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub does not find absolute paths."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.lock.json").touch()
    problems = [Problem(Place(f"{tmp_path}/x.lock.json"), "a"), Problem(Place(f"{tmp_path}/p/x.yaml", 3), "b")]
    assert ci.errors(problems) == ["::error file=x.lock.json::a", "::error file=p/x.yaml,line=3::b"]
