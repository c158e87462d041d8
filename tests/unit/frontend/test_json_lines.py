"""`--format json`: what is printed has the documented shape, and nothing else is on standard output."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from doit.exceptions import TaskFailed, UnmetDependency
from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE
from debate.commands.command import Answer
from debate.errors import DebateError, Place, Problem
from debate.frontend.form import Done, Tally
from debate.frontend.json_lines import FORMAT, JsonLines
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter
from debate.graph.failed import Failed
from debate.history.reasons import Kind, Reason
from tests.conftest import ROOT
from tests.integration.checkout import DOIT

SCHEMA = json.loads((PACKAGE / "schema" / "output.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KINDS = {shape["properties"]["kind"]["const"]: shape for shape in SCHEMA["oneOf"]}


def parsed(text: str) -> list[dict[str, Any]]:
    """Lines of JSON, each of the documented shape."""
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "profiles" / "bad.yaml").write_text("version: 1\npkgs: [vim]\n")
    with (tmp_path / "dodo.py").open("a") as file:
        file.write(
            "\n\ndef task_loud():\n    def shout():\n        print('shout')\n\n"
            "    return {'actions': [shout, 'echo loud; echo \"{}\"', shout], 'verbosity': 2, 'file_dep': []}\n"
            "\n\ndef task_maker():\n"
            "    made = [{'what': 'x.iso  1 MB', 'next': 'boot', 'file': 'build/x.iso', 'size': 1}]\n"
            "    return {'actions': [lambda: {'made': made}], 'file_dep': ['pyproject.toml']}\n"
            "\n\ndef task_wrong():\n    return {'actions': ['false']}\n"
            "\n\ndef task_crash():\n    return {'actions': [(int, ['x'])] and [lambda: int('x')]}\n"
            "\n\ndef task_slow():\n    from time import sleep\n\n"
            "    return {'actions': [lambda: sleep(60)], 'task_dep': ['loud']}\n"
            "\n\ndef task_round():\n    return {'actions': ['true'], 'file_dep': ['ab'], 'targets': ['ba']}\n"
            "\n\ndef task_trip():\n    return {'actions': ['true'], 'file_dep': ['ba'], 'targets': ['ab']}\n"
            "\n\ndef task_twice():\n    return {'actions': ['true'], 'task_dep': ['loud', 'round']}\n"
            "\n\ndef task_defect():\n    return {'actions': ['true'], 'uptodate': [lambda task, values: 1 / 0]}\n"
            "\n\ndef task_after():\n    return {'actions': ['true'], 'task_dep': ['wrong']}\n"
        )
    return tmp_path


def run(checkout: Path, *words: str, status: int = 0, **environment: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [DOIT, *words, "--format", "json"], cwd=checkout, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    lines = parsed(done.stdout)
    assert [line["kind"] for line in lines].index("end") == len(lines) - 1
    assert lines[-1]["ok"] == (status == 0)
    return lines


def test_validate(checkout: Path) -> None:
    *lines, end = run(checkout, "validate", "bad", "minimal", status=1)
    (problem,) = (line for line in lines if line["kind"] == "problem")
    assert [problem[name] for name in ("task", "file", "line", "column")] == ["validate", "profiles/bad.yaml", 2, 1]
    assert problem["fact"].startswith("unknown field 'pkgs'")
    assert (lines[0]["kind"], lines[0]["task"], lines[0]["state"]) == ("step", "validate", "failed")
    found = [line["data"] for line in lines if line["kind"] == "result"]
    assert found == [{"profile": "bad", "problems": 1}, {"profile": "minimal", "problems": 0}]
    assert end["counts"]["failed"] == 1


def test_steps(checkout: Path) -> None:
    *lines, end = run(checkout, "hash:minimal")
    assert [(line["task"], line["state"]) for line in lines] == [("config:minimal", "done"), ("hash:minimal", "done")]
    assert end["counts"]["ran"] == 2
    *lines, end = run(checkout, "hash:minimal")
    assert {line["state"] for line in lines} == {"unchanged"}
    assert (end["counts"]["ran"], end["counts"]["unchanged"]) == (0, 2)


def test_an_up_to_date_task_says_what_it_made(checkout: Path) -> None:
    """As the run did that made it: who reads only the last run finds the ISO, too."""
    *first, end = run(checkout, "maker")
    *second, again = run(checkout, "maker")
    assert [line.get("state") for line in (*first, *second)] == ["done", None, "unchanged", None]
    assert (end["counts"]["ran"], again["counts"]["ran"]) == (1, 0)
    assert first[1] == second[1]
    assert [first[1][name] for name in ("kind", "task", "text", "next")] == ["result", "maker", "x.iso  1 MB", "boot"]
    assert first[1]["data"] == {"file": "build/x.iso", "size": 1}


def test_a_profile_with_errors(checkout: Path) -> None:
    lines = run(checkout, "-c", "hash:bad", status=2)
    assert [line["kind"] for line in lines] == ["step", "problem", "step", "end"]
    assert [line.get("state") for line in lines] == ["failed", None, "skipped", None]
    assert (lines[1]["task"], lines[1]["file"], lines[1]["line"]) == ("config:bad", "profiles/bad.yaml", 2)


def test_what_tasks_print_goes_elsewhere(checkout: Path) -> None:
    (step, end) = run(checkout, "loud", "-v")
    assert (step["task"], step["state"], end["ok"]) == ("loud", "done", True)


@pytest.mark.parametrize(("task", "status", "fact"), [("wrong", 1, "Command failed"), ("crash", 2, "ValueError")])
def test_failures_that_are_not_ours(checkout: Path, task: str, status: int, fact: str) -> None:
    step, problem, _ = run(checkout, task, status=status)
    assert (step["state"], problem["task"], problem["file"]) == ("failed", task, None)
    assert fact in problem["fact"] + problem["details"]


@pytest.mark.parametrize(
    ("words", "environment", "place", "fact"),
    [
        (["hash:minimall"], {}, "profiles/minimall.yaml", "there is no profile 'minimall'"),
        (["hush:minimal"], {}, None, "there is no task 'hush'"),
        (["shell:hash:minimal"], {}, "shell:hash:minimal", "'hash' is not a step with a shell"),
        (["gc", "minimal"], {}, "gc", "'minimal' is not a task, and gc takes no names"),
        (["nope"], {}, None, "there is no task 'nope'"),
        (["hash:minimal", "--nope"], {}, "hash", "unknown option --nope"),
        (["--nope", "hash:minimal"], {}, None, "option --nope not recognized"),
        ([], {"DEBATE_JOBZ": "1"}, "DEBATE_JOBZ", "no such setting"),
    ],
)
def test_refusals(checkout: Path, words: list[str], environment: dict[str, str], place: str | None, fact: str) -> None:
    problem, end = run(checkout, *words, status=3, **environment)
    assert (problem["task"], problem["file"]) == (None, place)
    assert fact in problem["fact"]
    assert problem["remedy"] or place is None
    assert end["counts"]["failed"] == 1


@pytest.mark.parametrize("words", [["show:minimal"], ["profiles"], ["cache"], ["gc"], ["explain:minimal"], []])
def test_answers_are_results(checkout: Path, words: list[str]) -> None:
    lines = run(checkout, *words)
    step, *results, _ = lines
    assert (step["kind"], step["state"], step["source"]) == ("step", "done", None)
    assert {line["kind"] for line in results} == {"result"}
    assert all(line["text"] or line["data"] for line in results)
    assert {line["task"] for line in results} == {step["task"]}


def reporter(stream: io.StringIO, tmp_path: Path) -> Reporter:
    kind = type("Mine", (Reporter,), {"board": Board(tmp_path / "times"), "format": "json"})
    return kind(stream, {})


def test_problems_are_those_of_the_error(tmp_path: Path) -> None:
    """Whatever their text looks like."""
    from types import SimpleNamespace

    stream = io.StringIO()
    mine = reporter(stream, tmp_path)
    task = SimpleNamespace(name="overlay:x", actions=[1], values={}, meta=None)
    problems = [
        Problem(Place("a.yaml", 3), "b.yaml:1:2: x; y", "z"),
        Problem(None, "::error::no\n  > debate: c.yaml:1:1: d"),
    ]
    mine.add_failure(task, Failed(DebateError.of(problems, details="tail", log="build/x.log")))
    mine.add_failure(task, TaskFailed("x.yaml:1:2: text"))
    mine.add_failure(task, UnmetDependency("overlay:x"))
    mine.complete_run()
    lines = parsed(stream.getvalue())
    found = [line for line in lines if line["kind"] == "problem"]
    assert [(line["file"], line["line"], line["fact"], line["remedy"], line["details"]) for line in found] == [
        ("a.yaml", 3, "b.yaml:1:2: x; y", "z", "tail"),
        (None, None, ": :error::no\n  > debate: c.yaml:1:1: d", "", ""),
        (None, None, "x.yaml:1:2: text", "", ""),
    ]
    assert lines[-1]["counts"] | {"failed": 2, "skipped": 1} == lines[-1]["counts"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_has_no_end(checkout: Path, number: int) -> None:
    """Else a reader would take a part of a build for a whole one."""
    command = [DOIT, "slow", "--format", "json"]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert [(line["kind"], line["task"]) for line in parsed(first + rest)] == [("step", "loud")]


@pytest.mark.parametrize("task", ["twice", "defect"])
def test_a_run_that_breaks_off_has_one_end(checkout: Path, task: str) -> None:
    *_, problem, end = run(checkout, task, status=3)
    assert problem["kind"] == "problem"
    assert end["counts"]["failed"] == 1


BASES = {"t": "t", "u": "u2", "u2": "u", "v": "u"}
"""Profile -> base; each is circular."""


@pytest.mark.parametrize("name", BASES)
def test_a_circular_base_is_a_problem_of_the_profile(checkout: Path, name: str) -> None:
    for each, base in BASES.items():
        (checkout / "profiles" / f"{each}.yaml").write_text(f"version: 1\nbase: {base}\n")

    def problem(*words: str, status: int) -> tuple[Any, ...]:
        (found,) = (line for line in run(checkout, *words, status=status) if line["kind"] == "problem")
        return tuple(found[field] for field in ("file", "line", "column", "fact", "remedy"))

    expected = problem("validate", name, status=1)
    assert expected[:3] == (f"profiles/{name}.yaml", 2, 7)
    assert expected[3].startswith(f"base is circular: {name}")
    assert problem(f"hash:{name}", status=1) == expected
    assert problem(f"explain:{name}", status=1)[3].startswith("base is circular: "), "it starts with the base"


@pytest.mark.parametrize("name", ["profiles/x.yaml", "build/x/logs/lock.log"])
def test_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    stream = io.StringIO()
    error = DebateError("a", place=str(tmp_path / name), log=str(tmp_path / name))
    JsonLines(stream).failed("lock:x", error, "")
    JsonLines(stream).failed("lock:x", DebateError("a", place="/elsewhere", log="/elsewhere"), "")
    found = [(line["file"], line["log"]) for line in parsed(stream.getvalue()) if line["kind"] == "problem"]
    assert found == [(name, name), ("/elsewhere", "/elsewhere")]


TEXT, NUMBERS = st.text(max_size=20), st.integers(0, 9)
REASONS = st.builds(
    Reason, st.sampled_from(get_args(Kind)), TEXT, st.sampled_from(["", "added", "removed", "changed", "reordered"]),
    TEXT | st.none(), NUMBERS | st.none(), st.none() | st.builds(Place, st.text(min_size=1), NUMBERS, NUMBERS),
)  # fmt: skip


@given(
    st.builds(
        Done, TEXT, st.sampled_from(["", "built", "local", "remote"]), st.floats(0, 1e6), note=TEXT,
        why=st.lists(REASONS, max_size=2), lines=st.lists(TEXT, max_size=2),
        made=st.lists(st.just({"what": "x.iso", "next": "boot it", "file": "build/x.iso", "size": 1}), max_size=2),
    ),
    st.builds(Problem, st.none() | st.builds(Place, TEXT, NUMBERS, NUMBERS), st.text(min_size=1), TEXT),
)  # fmt: skip
def test_everything_has_the_documented_shape(done: Done, problem: Problem) -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines.done(done)
    lines.unchanged("x")
    lines.made_before("x", [{"what": "x.iso", "next": "boot it", "file": "build/x.iso"}])
    lines.skipped("x")
    lines.failed("x", DebateError.of([problem]), "")
    lines.answered("x", Answer("text", problems=(problem,), data=({"a": 1},)), 1.5)
    lines.answered("x", Answer("text"), 0.0)
    lines.end(Tally({"built": 1}, 1, 2, 3, 4, 5.0), ["doit's"])
    assert len(parsed(stream.getvalue())) >= 10


def test_the_document_has_every_kind_and_field() -> None:
    text = (ROOT / "docs" / "json.md").read_text()
    rows = {
        row[0]: set(re.findall(r"`(\w+)`", row[1]))
        for row in re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", text, re.MULTILINE)
    }
    assert rows == {kind: set(shape["required"]) - {"format", "kind"} for kind, shape in KINDS.items()}
    assert all(set(shape["required"]) == set(shape["properties"]) for shape in KINDS.values())
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert {line["kind"] for line in parsed(example)} == set(KINDS)
    assert {shape["properties"]["format"]["const"] for shape in KINDS.values()} == {FORMAT}


def test_a_warning_comes_first(checkout: Path) -> None:
    (checkout / "debate.toml").write_text("remote_password = 'hush'\n")
    (checkout / "debate.toml").chmod(0o644)
    lines = run(checkout, "hash:minimal", PYTHONPATH=str(ROOT))
    assert [line["kind"] for line in lines] == ["warning", "step", "step", "end"]
    assert (lines[0]["file"], lines[0]["line"], lines[0]["remedy"]) == ("debate.toml", 1, "run chmod 600 debate.toml")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [DOIT, "hash:minimal"], cwd=checkout, capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.startswith("  warning: debate.toml:1: setting remote_password: other users of this machine can")
    assert "hush" not in done.stdout
