"""A log for people cannot drive a terminal or a CI system; what was printed is kept beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.host import log
from debate.host.log import LIMIT, Log
from debate.text.printable import readable
from tests.unit.frontend.github import obeyed
from tests.unit.text.test_printable import LOGS


def written(directory: Path, *chunks: bytes) -> tuple[bytes, bytes | None]:
    """Both forms of a log, the second one None if there is none."""
    with Log(directory / "x.log") as file:
        for chunk in chunks:
            file.write(chunk)
    raw = directory / "raw" / "x.log"
    return (directory / "x.log").read_bytes(), raw.read_bytes() if raw.exists() else None


@given(st.lists(LOGS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=9), max_size=6))
def test_it_is_safe_to_read_in_whatever_pieces_it_comes(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    clean, raw = written(tmp_path_factory.mktemp("log"), *chunks)
    text = clean.decode()
    assert obeyed(text)[1] == []
    assert text == readable(b"".join(chunks).decode(errors="replace"))
    assert (clean if raw is None else raw) == b"".join(chunks)


def test_plain_text_is_there_once(tmp_path: Path) -> None:
    assert written(tmp_path, b"one\ntw", b"o") == (b"one\ntwo", None)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.log"]


def test_the_bytes_are_for_root_only(tmp_path: Path) -> None:
    assert written(tmp_path, b"one\n\x1b[2J") == (b"one\n?[2J", b"one\n\x1b[2J")
    assert (tmp_path / "raw").stat().st_mode & 0o777 == 0o700
    assert written(tmp_path, b"one\n") == (b"one\n", None), "those of an older run are gone"


def test_no_piece_of_a_long_line_is_a_command(tmp_path: Path) -> None:
    line = b"a" * ((1 << 16) - 2) + b"##[error]b"
    clean, raw = written(tmp_path, line * 3)
    assert obeyed(clean.decode())[1] == []
    assert raw == line * 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies a sandbox's output reads on, and knows that the log is incomplete."""
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda _, *__, **___: real(Path("/dev/full"), "wb", buffering=0))
    with Log(tmp_path / "x.log") as file:
        for _ in range(3):
            file.write(b"line\n")
    assert file.lost == "No space left on device"


def test_a_log_that_cannot_be_made(tmp_path: Path) -> None:
    with Log(tmp_path / "gone" / "x.log") as file:
        file.write(b"line\n")
    assert file.lost == "No such file or directory"


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIMIT == 64 << 20
    monkeypatch.setattr(log, "LIMIT", 100)
    clean, raw = written(tmp_path, b"\x1b" * 60, b"\x1b" * 60, b"\x1b")
    assert clean == b"?" * 100 + b"\ndebate: this log is full; what follows is dropped\n"
    assert raw == b"\x1b" * 100
