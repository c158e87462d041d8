"""What is shown while steps run: where it goes, how often, and that nothing in it moves a cursor."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from pathlib import Path

import pytest

from debate.frontend import progress
from debate.frontend.progress import Board
from debate.model import Activity
from tests.unit.frontend.terminal import Terminal, without_ci


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ci(monkeypatch)
    monkeypatch.setenv("COLUMNS", "100")


def board(tmp_path: Path, stream: io.StringIO) -> Board:
    return Board(tmp_path / "times.json", stream)


def wait_for(stream: io.StringIO, pattern: str) -> str:
    deadline = time.monotonic() + 20
    while not re.search(pattern, stream.getvalue()):
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.02)
    return stream.getvalue()


def test_a_file_gets_lines_with_the_time_of_day(tmp_path: Path) -> None:
    stream = io.StringIO()
    board(tmp_path, stream).write("  one", "  two")
    assert re.fullmatch(r"\d\d:\d\d:\d\d   one\n\d\d:\d\d:\d\d   two\n", stream.getvalue())


def test_a_long_step_says_that_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST", 0.0)
    monkeypatch.setattr(progress, "_NEXT", 0.5)
    (tmp_path / "times.json").write_text('{"rootfs:other": 30.0}')
    stream = io.StringIO()
    made = board(tmp_path, stream)
    activity = made.begin("rootfs:mine")
    activity.total, activity.written = 10_000_000, lambda: 4_000_000
    activity.receive(b"Unpacking bash\n")
    said = wait_for(stream, "(?s)running.*running")
    assert re.search(r"\d\d   rootfs:mine +running: [0-9]+ s of about 30 s: 4.0 MB of 10 MB, Unpacking bash\n", said), (
        said
    )
    made.end("rootfs:mine")
    made.close()
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_is_redrawn_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LIVE_AFTER", 0.01)
    stream = Terminal()
    made = board(tmp_path, stream)
    made.all = 3
    activity = made.begin("overlay:mine")
    activity.receive(b"hook starts\n")
    said = wait_for(stream, "hook starts")
    assert "overlay:mine" in said
    assert "0 of 3 steps" in said
    made.write("  overlay:mine  1.0 s")
    made.end("overlay:mine")
    made.close()
    said = stream.getvalue()
    assert "  overlay:mine  1.0 s\n" in said, "what is finished stays, without a time of day"
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l"), "the cursor is back"


def test_a_quick_run_on_a_terminal_draws_nothing(tmp_path: Path) -> None:
    stream = Terminal()
    made = board(tmp_path, stream)
    made.begin("hash:mine")
    made.end("hash:mine")
    made.write("  hash:mine  0.0 s")
    made.close()
    assert stream.getvalue() == "  hash:mine  0.0 s\n"


def test_output_is_made_harmless_and_may_be_streamed(tmp_path: Path) -> None:
    stream = io.StringIO()
    made = board(tmp_path, stream)
    activity = made.begin("rootfs:mine", verbose=True)
    activity.receive(b"50%\r\x1b[2Jcle")
    activity.receive(b"ared\n\npart")
    assert activity.line == "\x1b[2Jcleared", "as it is, until it is shown"
    assert re.fullmatch(r"[0-9:]{8} rootfs:mine +\| \?\[2Jcleared\n", stream.getvalue())
    made.close()


def test_how_long_it_took_is_remembered(tmp_path: Path) -> None:
    made = board(tmp_path, io.StringIO())
    made.took("rootfs:one", 20.0)
    made.took("hash:one", 0.01)
    made.close()
    assert json.loads((tmp_path / "times.json").read_text()) == {"rootfs:one": 20.0}
    later = Board(tmp_path / "times.json")
    assert (later.expected("rootfs:one"), later.expected("rootfs:two"), later.expected("iso:one")) == (20.0, 20.0, 0.0)


def test_durations_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader sees the old file until the new one is complete; a run that dies in between leaves the old one."""
    (tmp_path / "times.json").write_text('{"rootfs:one": 7.0}')
    seen = []

    def replace(source: Path, target: Path) -> None:
        seen.append((json.loads(target.read_bytes()), json.loads(source.read_bytes())))
        raise OSError

    monkeypatch.setattr("os.replace", replace)
    made = board(tmp_path, io.StringIO())
    made.took("rootfs:one", 20.0)
    made.close()
    assert seen == [({"rootfs:one": 7.0}, {"rootfs:one": 20.0})]
    assert [path.name for path in tmp_path.iterdir()] == ["times.json"]


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "progress"]


class Watched:
    """A lock that tells when the watcher waits for it."""

    def __init__(self) -> None:
        self.lock, self.wanted = threading.RLock(), threading.Event()

    def __enter__(self) -> None:
        if threading.current_thread().name == "progress":
            self.wanted.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


@pytest.mark.parametrize("terminal", [False, True])
def test_closed_and_begun_again_before_the_watcher_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.001)
    monkeypatch.setattr(progress, "_LIVE_AFTER", 0.001)
    made = board(tmp_path, Terminal() if terminal else io.StringIO())
    lock = Watched()
    vars(made)["_lock"] = lock
    old: list[threading.Thread] = []
    with lock:
        for number in range(50):
            made.begin(f"rootfs:{number}")
            old += [thread for thread in watchers() if thread not in old]
            assert lock.wanted.wait(20), "the watcher is past its own wait and about to look"
            lock.wanted.clear()
            made.close()
        made.begin("iso:last")
        [new] = [thread for thread in watchers() if thread not in old]
    assert len(old) == 50
    for thread in old:
        thread.join(20)
    assert watchers() == [new]
    made.close()
    new.join(20)
    assert watchers() == []


def test_a_step_that_begins_after_a_close_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even while one from before the close still runs."""
    monkeypatch.setattr(progress, "_EVERY", 0.001)
    monkeypatch.setattr(progress, "_FIRST", 0.0)
    stream = io.StringIO()
    made = board(tmp_path, stream)
    made.begin("rootfs:mine")
    made.close()
    made.begin("initrd:mine")
    wait_for(stream, "initrd:mine .*running")
    made.close()


def test_an_estimate_that_is_exceeded_is_not_shown() -> None:
    activity = Activity("x", expected=30.0)
    assert progress._time(activity) == "0 s of about 30 s"
    activity.started -= 31
    assert progress._time(activity) == "31 s"
    assert activity.share() is None


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": "b"}'])
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "times.json").write_text(text)
    assert Board(tmp_path / "times.json").expected("rootfs:one") == 0.0


@pytest.mark.parametrize(("total", "expected", "share"), [(100, 0.0, 0.25), (0, 0.0, None), (0, 1e-9, None)])
def test_share(total: int, expected: float, share: float | None) -> None:
    activity = Activity("x", expected=expected, total=total, written=lambda: 25)
    assert activity.share() == share
