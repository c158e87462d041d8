"""Trees: what is read from disk, and the tar that is made of it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from debate import keys
from debate.errors import DebateError
from debate.tree import Entry, pack, scan, text_entry


def test_scan(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run").write_text("x")
    (tmp_path / "d" / "run").chmod(0o750)
    (tmp_path / "file").write_text("y")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("/nowhere")
    entries, contents, problems = scan(tmp_path, "/srv")
    assert problems == []
    assert entries == [
        Entry("/srv/d", "directory", mode="0755"),
        Entry("/srv/d/run", "file", mode="0755", digest=keys.sha256(b"x")),
        Entry("/srv/file", "file", mode="0644", digest=keys.sha256(b"y")),
        Entry("/srv/link", "link", mode="0777", target="/nowhere"),
    ]
    assert contents[keys.sha256(b"y")] == tmp_path / "file"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"bad-\xff")).touch()
    _, _, problems = scan(tmp_path, "/")
    assert [problem.split(": ", 1)[1] for problem in sorted(problems)] == [
        "a file name that is not UTF-8; rename it",
        "a named pipe; an overlay holds files, directories and links only",
    ]


def packed(entries: list[Entry], contents: dict[str, bytes | Path]) -> bytes:
    out = io.BytesIO()
    pack(entries, contents, 1000, out)
    return out.getvalue()


def test_pack() -> None:
    entry, data = text_entry("/etc/motd", "hello\n", mode="4755", owner="live", group="12")
    made = packed([Entry("/etc", "directory", mode="0755"), entry], {entry.digest: data})
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        directory, file = archive.getmembers()
        assert (directory.name, directory.isdir(), directory.mtime) == ("etc", True, 1000)
        assert (file.mode, file.uname, file.gid, file.mtime) == (0o4755, "live", 12, 1000)
        content = archive.extractfile(file)
        assert content is not None
        assert content.read() == b"hello\n"


def test_a_file_that_changed_since_it_was_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one")
    entries, contents, _ = scan(tmp_path, "/")
    (tmp_path / "f").write_text("two")
    with pytest.raises(DebateError, match="changed while it was being built; run the same command again"):
        packed(entries, dict(contents))
    (tmp_path / "f").unlink()
    with pytest.raises(DebateError, match="No such file"):
        packed(entries, dict(contents))
