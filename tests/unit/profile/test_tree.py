"""Trees as they are read from disk for an overlay."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from debate import keys
from debate.entry import Entry
from debate.errors import Place
from debate.host.beneath import Tree
from debate.profile.tree import Scan, scan

PLACE = Place("profiles/x.yaml", 2, 12)


def scanned_at(path: Path, target: str = "/") -> Scan:
    with Tree(path) as tree:
        return scan(tree, target, PLACE)


def test_scan(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run").write_text("x")
    (tmp_path / "d" / "run").chmod(0o750)
    (tmp_path / "file").write_text("y")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("/nowhere")
    scanned = scanned_at(tmp_path, "/srv")
    assert scanned.problems == ()
    assert list(scanned.entries) == [
        Entry("/srv/d", "directory", mode="0755"),
        Entry("/srv/d/run", "file", mode="0755", digest=keys.sha256(b"x")),
        Entry("/srv/file", "file", mode="0644", digest=keys.sha256(b"y")),
        Entry("/srv/link", "link", mode="0777", target="/nowhere"),
    ]
    assert scanned.contents[keys.sha256(b"y")] == tmp_path / "file"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"bad-\xff")).touch()
    assert list(map(str, sorted(scanned_at(tmp_path).problems, key=str))) == [
        f"profiles/x.yaml:2:12: {tmp_path}/'bad-\\udcff': file name that is not UTF-8; rename it",
        f"profiles/x.yaml:2:12: {tmp_path}/pipe: named pipe; use only files, directories and links in an overlay",
    ]


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("/etc/passwd", ""),
        ("../srv/x", ""),
        ("../../etc/passwd", "which is above the root of the system; link to a path below it"),
        ("a/../../../x", "which is above the root of the system; link to a path below it"),
        ("{here}/other", "a path on this machine; link to where the file is in the system"),
    ],
)
def test_links_that_point_outside(tmp_path: Path, link: str, problem: str) -> None:
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "link").symlink_to(link.format(here=tmp_path))
    scanned = scanned_at(tree)
    assert scanned.contents == {}, "nothing is read through a link"
    assert [str(found).rpartition("', ")[2] for found in scanned.problems] == ([problem] if problem else [])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a device node and to become nobody")
def test_devices_sockets_and_what_cannot_be_read(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    os.mknod(tree / "disk", stat.S_IFBLK, os.makedev(7, 0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "socket"))
    problems = sorted(scanned_at(tree).problems, key=str)
    assert [(problem.place, problem.fact, problem.remedy) for problem in problems] == [
        (PLACE, f"{tree}/disk: device node", "use only files, directories and links in an overlay"),
        (PLACE, f"{tree}/socket: socket", "use only files, directories and links in an overlay"),
    ]
    secret = tmp_path / "secret"
    (secret / "d").mkdir(parents=True)
    (secret / "f").touch(mode=0)
    (secret / "d").chmod(0)
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(directory.stat().st_mode | 0o055)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        told = [(problem.fact, problem.remedy) for problem in sorted(scanned_at(secret).problems, key=str)]
        expected = [(f"{secret}/{name}: Permission denied", "make it readable") for name in "df"]
        os._exit(0 if told == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
