"""The tar file that is made of a tree."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from debate.entry import Entry, text_entry
from debate.errors import DebateError, Place
from debate.host.beneath import Tree
from debate.profile.tree import scan
from debate.sandbox.image.tar import pack


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
    with Tree(tmp_path) as tree:
        scanned = scan(tree, "/", Place("x.yaml"))
    (tmp_path / "f").write_text("two")
    with pytest.raises(DebateError, match=r"/f: changed during the build; run the same command again"):
        packed(list(scanned.entries), dict(scanned.contents))
    (tmp_path / "f").unlink()
    with pytest.raises(DebateError, match=r"/f: No such file or directory; run"):
        packed(list(scanned.entries), dict(scanned.contents))
