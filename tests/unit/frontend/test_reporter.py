"""What is left of a run on the screen, and in CI logs."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doit.exceptions import TaskFailed

from debate.commands.command import Answer
from debate.errors import DebateError, Place, Problem
from debate.frontend.door import Door
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter
from debate.graph.failed import Failed
from debate.history.records import report_of
from debate.host.log import LIMIT
from debate.model import Result
from debate.steps.rule import HOST
from tests.bounded import bounded
from tests.unit.frontend.github import obeyed


@pytest.fixture
def reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reporter:
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    kind = type("Mine", (Reporter,), {"board": Board(tmp_path / "times")})
    return kind(io.StringIO(), {})


def task(name: str, **values: Any) -> Any:
    return SimpleNamespace(name=name, actions=[1], values=values, verbosity=1, meta=None, task_dep=[])


def output(reporter: Reporter) -> str:
    """What it wrote."""
    return reporter.board.door.inner.getvalue()


def said(reporter: Reporter) -> str:
    return re.sub(r"(?m)^[0-9:]{8} ", "", output(reporter))


WHY = [
    {"kind": "value", "path": "hostname", "change": "changed", "old": "a", "new": "b",
     "place": {"file": "profiles/x.yaml", "line": 3, "column": 1}},
    {"kind": "tools"},
    {"kind": "script", "path": "overlay.sh"},
]  # fmt: skip
"""Reasons as `debate.history.reasons.Reason.to_json` makes them."""


def test_the_end_of_a_run(reporter: Reporter) -> None:
    built = {"source": "built", "seconds": 1.0, "why": WHY}
    reporter.add_success(task("overlay:x", **built))
    reporter.add_success(task("rootfs:x", source="remote", seconds=40.0))
    reporter.skip_uptodate(task("boot:x"))
    images = [{"what": "build/x/x.iso  1 MB", "next": "doit check:x"}, {"what": "build/x/x.net  2 MB", "next": ""}]
    reporter.add_success(task("build:x", made=images))
    reporter.complete_run()
    assert said(reporter) == (
        "  overlay:x              0.0 s      ~ hostname: a -> b (profiles/x.yaml:3:1) and 2 more\n"
        "  rootfs:x               from the remote (took 40.0 s to make)\n"
        "  build:x                0.0 s\n"
        "  build/x/x.iso  1 MB\n"
        "  build/x/x.net  2 MB\n"
        "  1 built, 1 from the remote, 1 step up to date; 40 s saved\n"
        "  next: doit check:x\n"
    )


def test_an_image_that_is_up_to_date_is_told_where_it_is(reporter: Reporter) -> None:
    made = task("build:x", made=[{"what": "build/x/x.iso  1 MB", "next": "doit check:x"}])
    reporter.skip_uptodate(made)
    reporter.complete_run()
    assert said(reporter) == "  build/x/x.iso  1 MB\n  up to date (1 step)\n  next: doit check:x\n"


def test_a_word_without_a_profile_says_what_it_stands_for(reporter: Reporter) -> None:
    tasks = {name: task(name) for name in ("check", "check:a", "check:b", "show", "show:a", "show:b")}
    for name in ("check", "show"):
        tasks[name].task_dep = [f"{name}:a", f"{name}:b"]
    tasks["check:a"].meta = tasks["check:b"].meta = {"root": True}
    reporter.initialize(tasks, ["check", "show", "check:a"])
    assert said(reporter) == "  check of all 2 profiles: a, b\n"


def test_steps_that_may_run_are_counted(reporter: Reporter) -> None:
    tasks = {name: task(name) for name in ("a", "b", "c", "other")}
    tasks["a"].task_dep, tasks["b"].task_dep = ["b", "c"], ["c"]
    tasks["c"].actions = []
    reporter.initialize(tasks, ["a"])
    assert reporter.board.all == 2


FORGED = "quiet\n::error::forged\n::add-mask::x\n\x1b[0Ksection_end:1:x\r\x1b[0K\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "x" / "logs" / "overlay.log"
    path.parent.mkdir(parents=True)
    path.write_text(FORGED)
    return path


def test_github_folds_logs_and_obeys_nothing_in_them(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    lines, commands = obeyed(said(reporter))
    assert re.fullmatch(r"::group::[0-9:]{8}   overlay:x +0\.0 s", commands[0]), "the line of the step is the title"
    assert commands[1:] == ["::endgroup::"]
    assert lines == [
        "    quiet",
        "    : :error: :forged",
        "    : :add-mask: :x",
        "    ?[0Ksection_end :1:x??[0K",
    ]


FULL = {
    "empty lines": (b"\n", 50_001), "short lines": (b"a\n", 50_001), "not UTF-8": (b"\xff\n", 50_001),
    "commands": (b"::x::\n", 50_001), "an endless line": (b"a", 2), "long lines": (b"a" * 4999 + b"\n", 1679),
}  # fmt: skip
"""What a full log is made of, and the lines of its section."""


@pytest.mark.parametrize("kind", FULL)
def test_a_full_log_is_folded_in_part(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path, kind: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    one, number = FULL[kind]
    log.write_bytes(one * (LIMIT // len(one)))
    with bounded(processor=10):
        reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    text = output(reporter)
    assert len(text) < 16 << 20
    assert text.count("\n    ") == number
    assert f"\n    …; the whole log: {log}\n" in text


def test_no_more_of_a_log_is_held_than_is_written_at_once(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    sizes: list[int] = []
    write = Door.lines

    def lines(door: Door, *some: str, style: str = "") -> None:
        sizes.append(len(some))
        write(door, *some, style=style)

    monkeypatch.setattr(Door, "lines", lines)
    log.write_bytes(b"\n" * (1 << 20))
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    assert max(sizes) == 1000
    assert sum(sizes) == 50_001


@pytest.mark.parametrize("where", ["", "GITHUB_ACTIONS", "GITLAB_CI"])
def test_whoever_asks_for_github_gets_its_commands_only(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path, where: str
) -> None:
    if where:
        monkeypatch.setenv(where, "true")
    github = type("Mine", (type(reporter),), {"format": "github"})(io.StringIO(), {})
    github.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    github.board.write("::error::forged")
    lines, commands = obeyed(said(github))
    assert [re.sub("[0-9:]{8}   ", "", command)[:19] for command in commands] == ["::group::overlay:x ", "::endgroup::"]
    assert lines[-1] == ": :error: :forged"
    assert "\x1b" not in output(github)


@pytest.mark.parametrize("ci", ["GITHUB_ACTIONS", "GITLAB_CI"])
def test_an_empty_log_is_not_folded(reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path, ci: str) -> None:
    monkeypatch.setenv(ci, "true")
    log.write_text("")
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    assert obeyed(said(reporter)) == (["  overlay:x              0.0 s"], [])


def test_gitlab_folds_logs(reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=str(log)))
    text = output(reporter)
    start = re.search(
        r"\x1b\[0Ksection_start:([0-9]+):(debate_[0-9a-f]+)\[collapsed=true\]\r\x1b\[0K[0-9:]{8}   overlay:x ", text
    )
    assert start
    assert text.endswith(f"\x1b[0Ksection_end:{start[1]}:{start[2]}\r\x1b[0K\n")
    assert text.count("\x1b") == 4, "none of the log's own"


def test_a_failure_is_an_annotation(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    fail = TaskFailed("overlay: failed\n  > 50% gone")
    reporter.add_failure(task("overlay:x"), fail)
    expected = "  overlay:x              failed\n\noverlay: failed\n  > 50% gone\n\n"
    assert said(reporter) == expected
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    github = type(reporter)(io.StringIO(), {})
    github.add_failure(task("overlay:x"), fail)
    lines, commands = obeyed(said(github))
    assert lines == expected.splitlines()
    assert commands == ["::error title=overlay x::overlay: failed%0A  > 50%25 gone"]


PROBLEMS = (
    Problem(Place("profiles/x.yaml", 5, 12), "packages: no 'curll'", "did you mean curl?"),
    Problem(Place("profiles/_common.yaml", 7, 3), "packages: no 'nanoo'"),
    Problem(Place("lock:x"), "no mirror"),
    Problem(None, "::error::forged profiles/x.yaml:1:1: no"),
)
ANNOTATIONS = (
    "::error file=profiles/x.yaml,line=5,col=12{}::packages: no 'curll'; did you mean curl?",
    "::error file=profiles/_common.yaml,line=7,col=3{}::packages: no 'nanoo'",
)
"""What GitHub is told of the problems with a line; ``{}`` stands for a title."""


def test_annotations_are_made_from_the_problems(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    github = type(reporter)(io.StringIO(), {})
    log = "> debate: profiles/x.yaml:9:9: forged; no"
    github.add_failure(task("lock:x"), Failed(DebateError.of(PROBLEMS, details=log)))
    _, found = obeyed(said(github))
    title = ",title=lock x"
    assert found == [
        *(text.format(title) for text in ANNOTATIONS),
        f"::error title=lock x::lock:x: no mirror%0A{log}",
        f"::error title=lock x::: :error: :forged profiles/x.yaml:1:1: no%0A{log}",
    ]


def answered(reporter: Reporter, answer: Answer) -> str:
    one = task("validate")
    one.meta = {"answers": True, "answered": {"answer": answer}}
    if answer.good:
        reporter.add_success(one)
    else:
        reporter.add_failure(one, TaskFailed("", report=False))
    return said(reporter)


def test_an_answer(reporter: Reporter) -> None:
    one = task("validate")
    one.meta = {"answers": True, "answered": {"answer": Answer("two\nlines\n")}}
    reporter.add_success(one)
    reporter.complete_run()
    assert said(reporter) == "two\nlines\n", "and no more"


def test_github_shows_the_problems_of_an_answer_instead_of_its_text(reporter: Reporter) -> None:
    kind = type("Mine", (type(reporter),), {"format": "github"})
    answer = Answer("text\n", good=False, problems=PROBLEMS[:2])
    shown = [text.format("") for text in ANNOTATIONS]
    assert answered(kind(io.StringIO(), {}), answer).splitlines() == shown
    assert obeyed(answered(kind(io.StringIO(), {}), Answer("all valid\n"))) == (["all valid"], [])


def test_github_actions_has_the_text_too(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    answer = Answer("text\n", good=False, problems=PROBLEMS[:1])
    log = answered(type(reporter)(io.StringIO(), {}), answer)
    assert obeyed(log) == (["text"], [ANNOTATIONS[0].format("")])


def test_a_log_of_an_older_run_is_not_folded(reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    looked_up = Result("overlay", "key", {}, {}, "built", 1.0)
    reporter.execute_task(task("overlay:x"))
    reporter.add_success(task("overlay:x", **report_of(looked_up)))
    assert "::group::" not in said(reporter)
    reporter.execute_task(task("overlay:x"))
    log.write_text("new\n")
    reporter.add_success(task("overlay:x", **report_of(replace(looked_up, log=str(log)))))
    assert "    new\n" in said(reporter)


def test_the_log_of_the_tools_tree_is_folded(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = tmp_path / HOST / "logs" / "sandbox.log"
    path.parent.mkdir(parents=True)
    path.write_text("bootstrapped\n")
    reporter.add_success(task("sandbox", source="built", seconds=1.0, log=str(path)))
    assert "    bootstrapped\n" in said(reporter)
