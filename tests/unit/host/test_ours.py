"""What counts as written by this program, and what is made of anything else in its place."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from debate.host import ours
from debate.host.files import new_file, write_atomically
from tests.unit import damage

DATA = b"ours"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def grow(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)


REFUSED: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a full directory": lambda path: (path / "a" / "b").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/hostname"),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to something endless": lambda path: path.symlink_to("/dev/zero"),
    "a socket": listen,
    "huge": grow,
    "nothing": lambda _: None,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_replaced(tmp_path: Path, name: str) -> None:
    path = tmp_path / "record.json"
    REFUSED[name](path)
    before = Path("/etc/hostname").read_bytes()
    with pytest.raises(OSError, match=r"^\[Errno"):
        ours.read(path)
    write_atomically(path, DATA)
    assert ours.read(path) == DATA
    assert stat.S_ISREG(path.lstat().st_mode)
    assert Path("/etc/hostname").read_bytes() == before
    assert not (tmp_path / "nothing").exists()
    if "directory" in name:
        assert (tmp_path / "record.json.damaged").is_dir(), "whatever was in it is kept"


@ROOT_ONLY
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o444])
def test_a_file_of_another_user_is_refused_and_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(DATA)
    path.chmod(mode)
    os.chown(path, 1001, 1001)
    with pytest.raises(OSError, match="belongs to the user 1001"):
        ours.read(path)
    write_atomically(path, DATA)
    assert ours.read(path) == DATA
    assert path.stat().st_uid == 0


@ROOT_ONLY
def test_a_file_of_whoever_owns_the_directory_is_read(tmp_path: Path) -> None:
    """They build by sudo in a checkout of their own."""
    path = tmp_path / "record.json"
    path.write_bytes(DATA)
    for each in (tmp_path, path):
        os.chown(each, 1001, 1001)
    assert ours.read(path) == DATA


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_the_umask_does_not_matter(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a" / "b" / "record.json", DATA)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("a", "a/b", "a/b/record.json")]
    assert modes == [0o755, 0o755, 0o644]


@pytest.mark.parametrize("name", ["", "record.json"])
def test_what_everyone_can_write_is_refused_and_put_right(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / "record.json", DATA)
    (tmp_path / name).chmod(0o777)
    with pytest.raises(OSError, match="can be written by everyone"):
        ours.read(tmp_path / "record.json")
    write_atomically(tmp_path / "record.json", DATA)
    assert ours.read(tmp_path / "record.json") == DATA


def test_a_second_directory_in_the_way(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "record.json").mkdir()
        (tmp_path / "record.json" / "x").touch()
        write_atomically(tmp_path / "record.json", DATA)
        (tmp_path / "record.json").unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["record.json.damaged"]


@pytest.mark.parametrize("kind", [kind for kind in damage.PLACES if not kind.endswith("directory") or "link" in kind])
def test_a_new_file_follows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    path, victim = tmp_path / "x", tmp_path / "no-such-file"
    damage.put(path, kind)
    before = os.umask(0o077)
    try:
        with new_file(path, 0o644) as file:
            file.write(DATA)
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.is_symlink(), victim.exists()) == (DATA, False, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


OPEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (lambda path: (path.rmdir(), path.symlink_to("/usr")), "is a link"),
    "another's": (lambda path: os.chown(path, 1001, -1), "belongs to the user 1001"),
    "everyone's": (lambda path: path.chmod(0o777), "can be written by everyone"),
    "a group's": (lambda path: (os.chown(path, 0, 1001), path.chmod(0o775)), "can be written by the group 1001"),
    "a file": (lambda path: (path.rmdir(), path.touch()), "is no directory"),
    "everyone's to add to": (lambda path: path.chmod(0o1777), ""),
    "root's group's": (lambda path: path.chmod(0o775), ""),
    "our own": (lambda path: path.chmod(0o755), ""),
    "missing": (Path.rmdir, ""),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a directory away")
@pytest.mark.parametrize("kind", OPEN)
def test_where_others_may_have_put_a_link(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "build"
    path.mkdir()
    change, expected = OPEN[kind]
    change(path)
    fact, remedy = ours.why_not_to_write(path)
    assert fact.startswith(expected)
    assert bool(fact) == bool(expected) == bool(remedy)


def test_below_what_is_no_directory(tmp_path: Path) -> None:
    """That is told of the file itself."""
    (tmp_path / "file").touch()
    assert ours.why_not_to_write(tmp_path / "file/logs") == ("", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a directory away")
def test_a_directory_of_whoever_uses_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, 1001, 1001)
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 1001, 1001)
    path = tmp_path.parent / f"{tmp_path.name}-out"
    path.mkdir()
    os.chown(path, 1001, 1001)
    assert ours.why_not_to_write(path)[0] == "belongs to the user 1001"
    monkeypatch.setenv("SUDO_UID", "1001")
    assert ours.why_not_to_write(path) == ("", "")
    monkeypatch.setenv("SUDO_UID", "1002")
    assert ours.why_not_to_write(path)[0] == "belongs to the user 1001"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a directory away")
def test_the_checkout_of_someone_who_builds_with_sudo(tmp_path: Path) -> None:
    path = tmp_path / "build"
    path.mkdir()
    for each in (tmp_path, path):
        os.chown(each, 1001, 1001)
        each.chmod(0o775)
    assert ours.why_not_to_write(path) == ("", "")
