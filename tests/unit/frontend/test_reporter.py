"""What is left of a run on the screen, and in CI logs."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from debate.frontend.failure import Failed
from doit.exceptions import TaskFailed

from debate.errors import Complaint, Place, StepError
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter


@pytest.fixture
def reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reporter:
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    kind = type("Mine", (Reporter,), {"board": Board(tmp_path / "times")})
    return kind(io.StringIO(), {})


def task(name: str, **values: Any) -> Any:
    return SimpleNamespace(name=name, actions=[1], values=values, verbosity=1, meta=None, task_dep=[])


def said(reporter: Reporter) -> str:
    return re.sub(r"(?m)^[0-9:]{8} ", "", reporter.outstream.getvalue())


def test_the_end_of_a_run(reporter: Reporter) -> None:
    built = {"source": "built", "seconds": 1.0, "why": ["~ hostname: a -> b (profiles/x.yaml:3:1)", "more", "more"]}
    reporter.add_success(task("overlay:x", **built))
    reporter.add_success(task("rootfs:x", source="remote", seconds=40.0))
    reporter.skip_uptodate(task("boot:x"))
    reporter.add_success(task("build:x", made={"what": "build/x/x.iso  1 MB", "next": "doit check:x"}))
    reporter.complete_run()
    assert said(reporter) == (
        "  overlay:x              0.0 s      ~ hostname: a -> b (profiles/x.yaml:3:1) and 2 more\n"
        "  rootfs:x               from the remote (took 40.0 s to make)\n"
        "  build:x                0.0 s\n"
        "  build/x/x.iso  1 MB\n"
        "  1 built, 1 from the remote, 1 step up to date; 40 s saved\n"
        "  next: doit check:x\n"
    )


def test_steps_that_may_run_are_counted(reporter: Reporter) -> None:
    tasks = {name: task(name) for name in ("a", "b", "c", "other")}
    tasks["a"].task_dep, tasks["b"].task_dep = ["b", "c"], ["c"]
    tasks["c"].actions = []
    reporter.initialize(tasks, ["a"])
    assert reporter.board.all == 2


FORGED = "quiet\n::error::forged\n::add-mask::x\n\x1b[0Ksection_end:1:x\r\x1b[0K\n"


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "anywhere.log"
    path.write_text(FORGED)
    return str(path)


def test_github_folds_logs_and_obeys_nothing_in_them(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=log))
    lines = said(reporter).splitlines()
    assert lines[1].startswith("::group::overlay:x ")
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[2])
    assert token
    shown = ["    quiet", "    ::error::forged", "    ::add-mask::x", "    ?[0Ksection_end:1:x", "    ?[0K"]
    assert lines[3:] == [*shown, f"::{token[1]}::", "::endgroup::"]


@pytest.mark.parametrize("values", [{"source": "built"}, {"source": "local"}, {"source": "remote"}, {}])
def test_without_a_log_of_this_run_nothing_is_folded(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    """Whatever logs of older runs there are."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    older = reporter.board.times_file.parent / "x" / "logs" / "packages.log"
    older.parent.mkdir(parents=True)
    older.write_text("older\n")
    monkeypatch.chdir(reporter.board.times_file.parent)
    reporter.add_success(task("packages:x", **values, seconds=1.0))
    assert len(said(reporter).splitlines()) == 1


def test_outside_of_ci_nothing_is_folded(reporter: Reporter, log: str) -> None:
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=log))
    assert len(said(reporter).splitlines()) == 1


def test_gitlab_folds_logs(reporter: Reporter, monkeypatch: pytest.MonkeyPatch, log: str) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    reporter.add_success(task("overlay:x", source="built", seconds=1.0, log=log))
    text = reporter.outstream.getvalue()
    start = re.search(r"\x1b\[0Ksection_start:([0-9]+):(debate_[0-9a-f]+)\[collapsed=true\]\r\x1b\[0Koverlay:x ", text)
    assert start
    assert text.endswith(f"\x1b[0Ksection_end:{start[1]}:{start[2]}\r\x1b[0K\n")
    assert text.count("\x1b") == 4, "none of the log's own"


def test_a_failure_is_an_annotation(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its problems, and nothing of the log's end, which is shown without commands."""
    complaints = [
        Complaint("users", "live", "no shell /bin/zsh", "add it"),
        Complaint("locale", "", "none is 50% there"),
    ]
    error = StepError("", complaints=complaints, details="    ::error file=x::y\n  > a ##[error]b")
    error.locate(lambda field, value: Place("p/x.yaml", 3, 1) if (field, value) == ("users", "live") else None)
    shown = (
        "  overlay:x              failed\n\np/x.yaml:3:1: users: no shell /bin/zsh; add it\nlocale: none is 50% there\n"
    )
    reporter.add_failure(task("overlay:x"), Failed(error, "\nhint"))
    assert said(reporter) == f"{shown}    ::error file=x::y\n  > a ##[error]b\nhint\n\n"
    reporter.outstream.seek(0)
    reporter.outstream.truncate()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reporter.add_failure(task("overlay:x"), Failed(error))
    assert said(reporter) == (
        f"{shown}    : :error file=x::y\n  > a ## [error]b\n\n"
        "::error file=p/x.yaml,line=3,col=1,title=overlay x::users: no shell /bin/zsh; add it\n"
        "::error title=overlay x::locale: none is 50%25 there\n"
    )


def test_a_failure_without_an_error_is_an_annotation(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reporter.add_failure(task("overlay:x"), TaskFailed("one\n##[error]two"))
    assert said(reporter).endswith("one\n## [error]two\n\n::error title=overlay x::one%0A##[error]two\n")


def test_what_a_step_says_is_no_command(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """With -v each line of its output is shown, and without a terminal its last one now and then."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    activity = reporter.board.begin("overlay:x", verbose=True)
    activity.heard(b"::error file=x::y\n a ##[error]b\n")
    assert "| ::error file=x::y\n" in said(reporter), "it is no command behind other words"
    assert "| a ## [error]b\n" in said(reporter)
    reporter.board.end("overlay:x")
    reporter.board.close()
