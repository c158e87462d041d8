"""Which modules declare a rule or a command, however that is spelt."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from debate import declarations as module
from debate.commands.command import Command
from debate.declarations import declarations
from debate.errors import DebateError
from debate.steps import rules as table
from debate.steps.rule import Rule
from tests.conftest import ROOT


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package with the name `things`."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "__init__.py").touch()
    yield tmp_path / "things"
    for name in [name for name in sys.modules if name.partition(".")[0] == "things"]:
        del sys.modules[name]


def found(package: Path) -> dict[str, int]:
    importlib.invalidate_caches()
    return {path.name: value for path, value in declarations(package, "things", "THING", int).items()}


@pytest.mark.parametrize(
    "source", ["THING = 5", "THING: int = 5", "THING: Final = int(\n    5\n)", "THING=5", "OTHER = 5\nTHING = OTHER"]
)
@pytest.mark.parametrize("before", ["", '"""A docstring."""\n\n'])
def test_it_may_be_spelt_as_python_permits(package: Path, source: str, before: str) -> None:
    (package / "one.py").write_text(before + source.replace(": Final", ": 'Final'") + "\n")
    assert found(package) == {"one.py": 5}


@pytest.mark.parametrize(
    "source", ["", "THINGS = 5", "# THING = 5", "THING == 5 if 'THING' in dir() else 0", "def x():\n    THING = 5"]
)
def test_other_modules_are_not_imported(package: Path, source: str) -> None:
    (package / "one.py").write_text(f"{source}\nraise RuntimeError\n")
    assert found(package) == {}


@pytest.mark.parametrize("source", ["THING = 'five'", "THING = None", "THING: str = 'x'"])
def test_a_thing_of_another_kind(package: Path, source: str) -> None:
    (package / "one.py").write_text(source)
    with pytest.raises(DebateError, match=r"one\.py: THING is not a int; write THING = int\(…\)"):
        found(package)


def test_a_module_that_cannot_be_read(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "one.py").touch()

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DebateError, match=r"Permission denied; make it readable"):
        found(package)


@pytest.mark.parametrize(
    ("source", "line", "fact"),
    [
        ("THING = 1\ndef x(:\n", 2, "invalid syntax"),
        ("import json\n\nTHING = int(needz=1)", 3, "TypeError: "),
        ("import nonsense\nTHING = 1\n", 1, "ModuleNotFoundError: No module named 'nonsense'"),
        ("import json\n\nTHING = json.loads('{')", 3, "JSONDecodeError: "),
        ("from things.broken import x\nTHING = x", 1, "NameError: "),
    ],
)
def test_a_module_that_cannot_be_imported(package: Path, source: str, line: int, fact: str) -> None:
    """It would break every command with a traceback."""
    (package / "one.py").write_text(source)
    (package / "broken.py").write_text("x = y\n")
    with pytest.raises(DebateError) as caught:
        found(package)
    (problem,) = caught.value.problems
    assert problem.place
    assert (problem.place.file, problem.place.line) == (str(package / "one.py"), line)
    assert problem.fact.startswith(fact)


def test_a_rule_that_needs_what_nothing_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(table.rules()["overlay"], needs=("rootfz",))
    there = {tmp_path / f"{rule.name}.py": wrong if rule.name == "overlay" else rule for rule in table.rules().values()}
    monkeypatch.setattr(table, "PACKAGES", ("steps",))
    monkeypatch.setattr(table, "declarations", lambda *_: there)
    expected = r"debate/steps/overlay\.py: no rule makes 'rootfz'; did you mean 'rootfs'\?"
    with pytest.raises(DebateError, match=expected):
        table.rules.__wrapped__()


def test_two_rules_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a rule's file was copied: which of the two would it be?"""
    rule = table.rules()["boot"]
    monkeypatch.setattr(table, "declarations", lambda *_: {tmp_path / "a.py": rule, tmp_path / "b.py": rule})
    with pytest.raises(DebateError, match=r"b\.py: another file declares the rule boot; rename it"):
        table.rules.__wrapped__()


@pytest.mark.parametrize(("directory", "variable", "kind"), [("steps", "RULE", Rule), ("commands", "COMMAND", Command)])
def test_every_file_that_makes_one_is_found(directory: str, variable: str, kind: type) -> None:
    there = {
        path.name for path in (ROOT / "debate" / directory).glob("*.py") if f"{kind.__name__}(\n" in path.read_text()
    }
    declared = declarations(Path(module.__file__).parent / directory, f"debate.{directory}", variable, kind)
    assert {path.name for path in declared} == there
