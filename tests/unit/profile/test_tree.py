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
        status = 1  # Also where something is raised, or this child would go on as a second pytest.
        try:
            os.setuid(65534)
            told = [(problem.fact, problem.remedy) for problem in sorted(scanned_at(secret).problems, key=str)]
            expected = [(f"{secret}/{name}: Permission denied", "make it readable") for name in "df"]
            status = 0 if told == expected else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("modes", "private"),
    [
        ({"": 0o755, "a": 0o600}, {"/srv/a": "0600"}),
        ({"": 0o755, "a": 0o700, "b": 0o640, "c": 0o604, "d": 0o644}, {"/srv/a": "0700", "/srv/b": "0640"}),
        ({"": 0o700, "a": 0o600}, {}),
        ({"": 0o750, "a": 0o640}, {}),
        ({"": 0o755, "d": 0o755, "d/a": 0o400, "d-a": 0o644}, {"/srv/d/a": "0400"}),
        ({"": 0o755, "d": 0o700, "d/a": 0o600}, {"/srv/d": "0700"}),
        ({"": 0o711, "d": 0o755, "d/a": 0o600}, {"/srv/d/a": "0600"}),
    ],
)
def test_what_is_closed_to_others(tmp_path: Path, modes: dict[str, int], private: dict[str, str]) -> None:
    assert dict(scanned_at(with_modes(tmp_path / "tree", modes), "/srv").private) == private


def with_modes(root: Path, modes: dict[str, int]) -> Path:
    for name, mode in modes.items():
        path = root / name
        if any(other.startswith(f"{name}/") for other in modes) or not name:
            path.mkdir()
        else:
            path.touch()
        path.chmod(mode)
    (root / "link").symlink_to("x")
    return root


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({"": 0o755, "a": 0o644, "b": 0o755, "c": 0o444, "d": 0o744}, {}),
        ({"": 0o775, "d": 0o775, "d/a": 0o664, "d/b": 0o775}, {}),
        ({"": 0o755, "d": 0o775, "d/a": 0o664}, {}),
        ({"": 0o777, "d": 0o777, "d/a": 0o666, "d/b": 0o777}, {}),
        ({"": 0o755, "d": 0o777, "d/a": 0o666}, {"/srv/d": ("0777", "0755")}),
        ({"": 0o755, "a": 0o666, "b": 0o777}, {"/srv/a": ("0666", "0644"), "/srv/b": ("0777", "0755")}),
        ({"": 0o777, "d": 0o755, "d/a": 0o666}, {"/srv/d/a": ("0666", "0644")}),
        ({"": 0o777, "d": 0o1777, "d/a": 0o666}, {"/srv/d": ("1777", "0755"), "/srv/d/a": ("0666", "0644")}),
        ({"": 0o755, "d": 0o1755, "d/a": 0o644}, {"/srv/d": ("1755", "0755")}),
        ({"": 0o755, "d": 0o2775, "d/e": 0o2775, "d/e/a": 0o664}, {"/srv/d": ("2775", "0755")}),
        ({"": 0o2775, "d": 0o2775, "d/a": 0o664}, {}),
        ({"": 0o2755, "d": 0o755, "d/e": 0o2755, "d/e/a": 0o644}, {"/srv/d/e": ("2755", "0755")}),
        ({"": 0o1777, "a": 0o644}, {"/srv": ("1777", "0755")}),
        ({"": 0o755, "d": 0o4755, "d/a": 0o644}, {"/srv/d": ("4755", "0755")}),
    ],
)
def test_what_is_open_to_others(tmp_path: Path, modes: dict[str, int], expected: dict[str, tuple[str, str]]) -> None:
    found = scanned_at(with_modes(tmp_path / "tree", modes), "/srv")
    assert {path: (mode, kept) for path, mode, kept in found.open} == expected
    assert found.problems == ()


@pytest.mark.parametrize(
    ("made", "empty"),
    [
        (["d/a"], []), (["d/.gitkeep"], []), (["d/"], ["/d"]), (["a", "d/e/"], ["/d/e"]), ([], [""]),
        (["d/e/", "d/f/", "d/a"], ["/d/e", "/d/f"]),
    ],
)  # fmt: skip
def test_empty_directories(tmp_path: Path, made: list[str], empty: list[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in made:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).mkdir(parents=True) if name.endswith("/") else (tree / name).touch()
    found = [str(problem.fact) for problem in scanned_at(tree).problems]
    assert found == [f"{tree}{path}: is an empty directory, which git does not store" for path in empty]
