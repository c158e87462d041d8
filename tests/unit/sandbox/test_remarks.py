"""What is said of packages that were installed: files that are gone, or not theirs, and globs that fit nothing."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.profile.schema import schema
from tests.conftest import ROOT, write_files

GONE = "though it was installed: a script of a package removed or moved it"
SCRIPT = (ROOT / "sandbox" / "remarks.pl").read_text()


def remarks(directory: Path, files: Mapping[str, str], globs: str = "") -> list[str]:
    """What is said of a system with ``files`` and links. ``globs``: the configuration of the package manager."""
    system = directory / "system"
    for link, target in {"bin": "usr/bin", "lib": "usr/lib"}.items():
        (system / "usr" / link).mkdir(parents=True, exist_ok=True)
        (system / link).symlink_to(target)
    write_files(system, files)
    (directory / "dpkg.cfg").write_text(globs)
    return run(directory, system)


def run(directory: Path, *system: Path) -> list[str]:
    text = SCRIPT.replace("/run/in", str(directory))
    done = subprocess.run(["perl", "-e", text, *map(str, system)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def dpkg(**lists: str) -> dict[str, str]:
    """dpkg's database of packages, each with its paths."""
    return {f"var/lib/dpkg/info/{name}.list": "".join(f"{path}\n" for path in paths.split())
            for name, paths in lists.items()}  # fmt: skip


def pacman(**lists: str) -> dict[str, str]:
    """The same of pacman."""
    files = {name: "".join(f"{path}\n" for path in paths.split()) for name, paths in lists.items()}
    return {f"var/lib/pacman/local/{name}-1:2-3/files": f"%FILES%\n{text}\n%BACKUP%\netc/gone\tx\n\n"
            for name, text in files.items()}  # fmt: skip


DIVERTED = {"var/lib/dpkg/diversions": "/usr/bin/x\n/usr/bin/x.distrib\nother\n/usr/bin/l\n/usr/bin/l.real\n:\n"}


@pytest.mark.parametrize(
    ("files", "globs", "said"),
    [
        (dpkg(a="/. /usr /usr/bin /usr/bin/a") | {"usr/bin/a": ""}, "", []),
        (dpkg(a="/usr/bin /usr/bin/a"), "", [f"a: /usr/bin/a is not there, {GONE}"]),
        (dpkg(a="/usr/x /usr/x/y /usr/x/y/z /etc/b"), "",
         [f"a: /usr/x and 1 more of its files are not there, {GONE}"]),
        (dpkg(a="/bin/a /lib/b") | {"usr/bin/a": "", "usr/lib/b": ""}, "", []),
        (dpkg(a="/bin/a"), "", [f"a: /bin/a is not there, {GONE}"]),
        ({"var/lib/dpkg/info/a:amd64.list": "/etc/a\n", "var/lib/dpkg/info/b.md5sums": "/etc/b\n"}, "",
         [f"a: /etc/a is not there, {GONE}"]),
        (DIVERTED | dpkg(a="/usr/bin/x /usr/bin/l", other="/usr/bin/x")
         | {"usr/bin/x": "", "usr/bin/x.distrib": "", "usr/bin/l.real": ""}, "", []),
        (DIVERTED | dpkg(a="/usr/bin/x", other="/usr/bin/x") | {"usr/bin/x": ""}, "",
         [f"a: /usr/bin/x is not there, {GONE}"]),
        (DIVERTED | dpkg(a="/usr/bin/x", other="/usr/bin/x") | {"usr/bin/x.distrib": ""}, "",
         [f"other: /usr/bin/x is not there, {GONE}"]),
        (dpkg(a="/run/a /var/run/a /tmp/a /var/log/a /etc/hostname /proc /var/lib/apt/lists/partial"), "", []),
        (dpkg(a="/boot/vmlinuz-6 /boot/System.map-6 /usr/lib/modules/6/vmlinuz /lib/modules/6/System.map"), "", []),
        (pacman(a="boot/intel-ucode.img usr/lib/modules/6/vmlinuz"), "", []),
        (dpkg(a="/boot/config-6 /usr/lib/modules/6/x/vmlinuz"), "",
         [f"a: /boot/config-6 and 1 more of its files are not there, {GONE}"]),
        (dpkg(a="/etc/\u00e4"), "", [f"a: /etc/?? is not there, {GONE}"]),
        (dpkg(a="/etc/a") | {"etc/a": "", "etc/a.dpkg-dist": ""}, "",
         ["a: /etc/a was there before; what the package has is in /etc/a.dpkg-dist"]),
        (pacman(a="usr/ usr/bin/ usr/bin/a") | {"usr/bin/a": ""}, "", []),
        (pacman(**{"lib-a": "usr/bin/a usr/x/ usr/x/y"}), "",
         [f"lib-a: /usr/bin/a and 1 more of its files are not there, {GONE}"]),
        (pacman(a="etc/a") | {"etc/a": "", "etc/a.pacnew": ""}, "",
         ["a: /etc/a was there before; what the package has is in /etc/a.pacnew"]),
        (dpkg(a="/usr/share/doc /usr/share/doc/a /usr/share/doc/a/b") | {"usr/share/doc/x": ""},
         "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n",
         ["image.exclude: /usr/share/man/* fits no file of a package"]),
        (pacman(a="usr/share/doc/ usr/share/doc/a/ usr/share/doc/a/b"),
         "NoExtract = usr/share/doc/*\nNoExtract = usr/[!s]*\n",
         ["image.exclude: /usr/[!s]* fits no file of a package"]),
        ({}, "", []),
        ({}, "path-exclude=/x\n", ["image.exclude: /x fits no file of a package"]),
        (dpkg(**{f"p{n:03}": "/etc/a" for n in range(60)}), "",
         [*(f"p{n:03}: /etc/a is not there, {GONE}" for n in range(50)), "10 more remarks like these"]),
    ],
)  # fmt: skip
def test_what_is_said(tmp_path: Path, files: Mapping[str, str], globs: str, said: list[str]) -> None:
    assert remarks(tmp_path, files, globs) == said


def test_the_database_of_a_stranger(tmp_path: Path) -> None:
    """A script of a package can put there whatever it wants: no link is followed to a list, and no line breaks."""
    (tmp_path / "list").write_text("/etc/secret\n")
    system = tmp_path / "system"
    (system / "var/lib/dpkg/info/d.list").mkdir(parents=True)
    (system / "var/lib/dpkg/info/a.list").symlink_to(tmp_path / "list")
    (system / "var/lib/dpkg/info/b\nc.list").write_text("/etc/b\x1b[1m\n")
    (system / "var/lib/dpkg/diversions").write_text("/etc/b")
    (tmp_path / "dpkg.cfg").touch()
    assert run(tmp_path, system) == [f"b?c: /etc/b?[1m is not there, {GONE}"]


PATTERN = schema()["properties"]["image"]["properties"]["exclude"]["items"]["pattern"]


@given(st.text("/*?ab[]!-_.,+", min_size=1, max_size=12), st.text("/ab-_.,+!", max_size=12))
def test_globs_mean_what_they_mean_to_dpkg(glob: str, path: str) -> None:
    """`fnmatch` of Python reads them as fnmatch(3) without flags."""
    glob = f"/{glob}"
    if not re.search(PATTERN, glob):
        return
    text = SCRIPT[SCRIPT.index("sub pattern") : SCRIPT.index("my @globs")]
    argv = ["perl", "-e", f"use strict; {text} print $ARGV[1] =~ pattern($ARGV[0]) ? 1 : 0", "--", glob, f"/{path}"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert said == str(int(fnmatch.fnmatchcase(f"/{path}", glob)))


@pytest.mark.parametrize("database", [dpkg, pacman])
def test_of_packages_below_it_was_said_before(tmp_path: Path, database: Callable[..., dict[str, str]]) -> None:
    """But a glob that fits their files has its effect there."""
    slash = "/" if database is dpkg else ""
    below, above = database(below=f"{slash}etc/a {slash}etc/b"), database(above=f"{slash}etc/c")
    said = remarks(tmp_path, {**below, **above}, "path-exclude=/etc/b\n")
    assert len(said) == 2
    layer = tmp_path / "layer"
    write_files(layer, above)
    [only] = run(tmp_path, tmp_path / "system", layer)
    assert only == f"above: /etc/c is not there, {GONE}"
