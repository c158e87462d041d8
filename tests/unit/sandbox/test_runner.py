"""What of a log is shown where a step failed."""

from __future__ import annotations

from pathlib import Path

from debate.sandbox.runner import tail


def test_the_line_that_tells_is_marked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Setting up a\nE: Sub-process returned \x1b[1man error\n\nsee above\n")
    assert tail(log) == "    Setting up a\n  > E: Sub-process returned ?[1man error\n    see above"


def test_it_may_stand_further_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ls: cannot access 'x'\n" + "".join(f"cleaning {n}\n" for n in range(30)))
    shown = tail(log, lines=3).splitlines()
    assert shown == ["  > ls: cannot access 'x'", "    …", "    cleaning 27", "    cleaning 28", "    cleaning 29"]


def test_no_log(tmp_path: Path) -> None:
    assert tail(tmp_path / "gone") == ""
