"""The summary of a run, above the log of a job on GitHub."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import Any

import pytest

from debate.commands.command import Answer
from debate.errors import DebateError, Place, Problem
from debate.frontend.form import Done, Tally
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter
from debate.frontend.summary import Summary
from debate.graph.failed import Failed
from tests.unit.frontend.test_reporter import task

IMAGE = {"what": "x", "next": "", "file": "build/x/x.iso", "size": 314_572_800, "digest": "sha256:ab"}
LEFT = Problem(Place("profiles/arch.yaml"), "left out, since this host cannot build it: no mirror", "set one")


def run(directory: Path, **more: Any) -> str:
    """A run in which a step is built, one is unchanged and one fails. Returns what is printed."""
    kind = type("Mine", (Reporter,), {"board": Board(directory / "times"), "warnings": lambda _: (LEFT,), **more})
    out = io.StringIO()
    reporter = kind(out, {})
    reporter.initialize({}, [])
    reporter.add_success(task("overlay:x", source="built", seconds=61.0, note="3 files"))
    reporter.skip_uptodate(task("build:x", made=[IMAGE]))
    reporter.add_failure(task("lock:y"), Failed(DebateError("no 'curll'", "did you mean curl?", place="y.yaml")))
    reporter.complete_run()
    return out.getvalue()


def test_what_github_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    run(tmp_path)
    assert file.read_text() == "before\n", "only there"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run(tmp_path)
    text = html.unescape(file.read_text())
    assert text.startswith("before\n### debate: 1 built, 1 step up to date, 1 failed\n")
    for line in (
        "| lock:y | y.yaml: no 'curll'; did you mean curl? |",
        "| build/x/x.iso | 315 MB | sha256:ab |",
        "- profiles/arch.yaml: left out, since this host cannot build it: no mirror; set one",
        "| overlay:x | built | 0 s | 3 files |",
    ):
        assert f"\n{line}\n" in text


def test_a_summary_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "x"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "cannot be written (No such file or directory), so there is no summary" in run(tmp_path)


@pytest.mark.parametrize(
    "hostile",
    ["![x](https://evil.example/x.png)", "<img src=x>", "a | b | c", "`x`\n# big", "@everyone #1", "[x]: http://a.example",
     "&lt;script&gt;", "\u202eevil", "https://evil.example", "x" * 10_000],
)  # fmt: skip
def test_what_others_wrote_is_only_text(hostile: str) -> None:
    made = Summary()
    made.done(Done(hostile, "built", 1.0, note=hostile))
    made.answered("validate", Answer(problems=(Problem(None, hostile),)))
    made.warned([Problem(None, hostile)])
    text = made.text(Tally())
    assert len(text) < 20_000
    kept = re.sub(r"&#[0-9]+;", "", text)
    assert not set("\u202e`<>[]@&") & set(kept)
    assert "://" not in text
    assert sum("|" in line for line in kept.splitlines()) == 6, "two tables of one row each"


def test_no_more_than_people_read() -> None:
    made = Summary()
    for number in range(100_000):
        made.done(Done(f"step:{number}", "built", 1.0, note="x" * 400))
    text = made.text(Tally())
    assert len(text) < 1 << 18
    assert "… and 99,800 more" in text


def test_nothing_to_tell() -> None:
    assert Summary().text(Tally()) == ""
