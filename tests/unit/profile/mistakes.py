"""What the tests of mistakes in a profile share."""

from __future__ import annotations

from pathlib import Path

from debate.errors import Problem, ProfileError
from debate.profile.load import load
from debate.steps import config


def problems(directory: Path, text: str, **others: str) -> list[Problem]:
    """All problems of the profile with ``text``, below ``version: 1`` on its first line."""
    (directory / "x.yaml").write_text(f"version: 1\n{text}")
    for name, other in others.items():
        (directory / f"{name}.yaml").write_text(f"version: 1\n{other}")
    try:
        config.normalise(load(directory, "x"), directory)
    except ProfileError as error:
        return list(error.problems)
    return []


def expect(directory: Path, text: str, expected: str) -> None:
    """The profile with ``text`` has a problem that starts with ``expected``, and each of its problems a remedy."""
    found = problems(directory, text)
    assert found, "no problem was found"
    assert any(str(problem).startswith(expected) for problem in found), list(map(str, found))
    assert all("; " in str(problem) for problem in found), "a remedy is missing"
