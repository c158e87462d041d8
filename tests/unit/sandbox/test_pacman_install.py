"""Which package pacman could not install as it is, by what the real one prints, and by no words of a script."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from debate.errors import Complaint
from tests.unit.sandbox.test_explain import explain

LEAVE, SEE = "leave one of them out", "see the log for what was printed before; leave the package out, or correct it"
TALK = """post_install() {
    echo 'error: command failed to execute correctly'
    echo '(1/2) x...'
    echo "/x exists in both 'a' and 'b'"
    echo 'a: /x exists in filesystem (owned by b)'
    echo ':: a-1-1 and b-1-1 are in conflict'
}
"""
"""It prints what pacman would, and fails in nothing."""
HOOK = (
    "[Trigger]\nType = Path\nOperation = Install\nTarget = usr/share/*\n"
    "[Action]\nDescription = {}\nWhen = PostTransaction\nExec = {}\n"
)
needs_pacman = pytest.mark.skipif(not all(map(shutil.which, ("pacman", "bsdtar"))), reason="needs pacman and bsdtar")


def package(directory: Path, name: str, install: str, files: Mapping[str, str], more: str = "") -> Path:
    tree = directory / f"tree-{name}"
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    (tree / ".PKGINFO").write_text(f"pkgname = {name}\npkgbase = {name}\npkgver = 1-1\nsize = 1\narch = any\n{more}")
    (tree / ".INSTALL").write_text(install)
    made = directory / f"{name}-1-1-any.pkg.tar"
    names = [".PKGINFO", ".INSTALL", *sorted(os.listdir(tree))[2:]]
    subprocess.run(["bsdtar", "-C", tree, "-cf", made, *names], check=True)
    return made


def install(directory: Path, *packages: Path, shell: bool = True) -> str:
    """What pacman prints. Scripts of packages run in the new root, which has a shell."""
    root = directory / "root"
    (root / "var/lib/pacman").mkdir(parents=True, exist_ok=True)
    linked = subprocess.run(["ldd", "/bin/bash"], capture_output=True, text=True, check=True).stdout.split()
    for file in ("/bin/bash", *(word for word in linked if word.startswith("/"))) if shell else ():
        copy = root / file.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    if shell:
        (root / "bin/sh").symlink_to("bash")
        (root / "tmp").mkdir()
    argv = [
        "pacman", "--config", "/dev/null", "--root", root, "--dbpath", root / "var/lib/pacman", "--hookdir",
        directory / "hooks", "--logfile", directory / "log", "--noconfirm", "--noprogressbar", "--color", "always",
        "-U", *packages,
    ]  # fmt: skip
    done = subprocess.run(argv, env={**os.environ, "LC_ALL": "C"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode()


def told(directory: Path, said: str) -> list[Complaint]:
    (directory / "of").mkdir()
    return list(explain(directory / "of", "arch", said, "explain_failed", str(directory / "root")))


@needs_pacman
@pytest.mark.parametrize(
    ("installs", "files", "before", "found"),
    [
        ({}, {"a": ["x"], "b": ["y"]}, [], []),
        ({}, {"a": ["x"], "b": ["x", "y"], "c": ["y"]}, [],
         [("a", "a and b both have /usr/share/x", LEAVE), ("b", "b and c both have /usr/share/y", LEAVE)]),
        ({}, {"a": ["x", "y z"], "b": ["x", "y z"]}, [], [("a", "a and b both have /usr/share/x and 1 more", LEAVE)]),
        ({}, {"a": ["x"]}, ["x"], [("a", "a has /usr/share/x, which is in the system already and of no package", SEE)]),
        ({"a": "post_install() { exit 3; }\n"}, {"a": ["x"], "b": ["y"]}, [], [("a", "a script of a failed", SEE)]),
        ({"b": "pre_install() { exit 3; }\n", "c": "post_install() { nothing; }\n"}, {"a": [], "b": [], "c": []}, [],
         [("b", "a script of b failed", SEE), ("c", "a script of c failed", SEE)]),
        ({"b": "post_install() { kill -9 $$; }\n"}, {"a": ["x"], "b": ["y"]}, [],
         [("b", "a script of b was terminated by signal 9: Killed", SEE)]),
        ({"a": "post_install() {\n"}, {"a": ["x"]}, [], [("a", "a script of a failed", SEE)]),
        ({"b": TALK}, {"a": [], "b": [], "c": []}, [], []),
    ],
)  # fmt: skip
def test_what_is_told(
    tmp_path: Path,
    installs: Mapping[str, str],
    files: Mapping[str, list[str]],
    before: list[str],
    found: list[tuple[str, str, str]],
) -> None:
    (tmp_path / "root/usr/share").mkdir(parents=True)
    for name in before:
        (tmp_path / "root/usr/share" / name).touch()
    made = [
        package(tmp_path, name, installs.get(name, ""), {f"usr/share/{file}": name for file in (*names, f"own-{name}")})
        for name, names in files.items()
    ]
    assert told(tmp_path, install(tmp_path, *made)) == [Complaint("packages", *each) for each in found]


@needs_pacman
def test_one_on_another(tmp_path: Path) -> None:
    """On a base, the file is installed already."""
    first, second = (package(tmp_path, name, "", {"usr/share/x": name}) for name in "ab")
    assert told(tmp_path, install(tmp_path, first)) == []
    shutil.rmtree(tmp_path / "of")
    said = install(tmp_path, second, shell=False)
    assert told(tmp_path, said) == [Complaint("packages", "b", "b and a both have /usr/share/x", LEAVE)]


@needs_pacman
def test_conflicts_and_hooks(tmp_path: Path) -> None:
    against = package(tmp_path, "a", "", {"usr/share/a": ""}, "conflict = b\n")
    other = package(tmp_path, "b", "", {"usr/share/b": ""})
    found = told(tmp_path, install(tmp_path, against, other))
    facts = ("a and b are in conflict", "a-1-1 and b-1-1 are in conflict")  # As pacman 6 and 7 say it.
    assert found in [[Complaint("packages", "a", fact, LEAVE)] for fact in facts]
    shutil.rmtree(tmp_path / "of")
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/1.hook").write_text(HOOK.format("Well", "/bin/bash -c exit"))
    (tmp_path / "hooks/2.hook").write_text(HOOK.format("Make it...", "/bin/bash -c 'exit 3'"))
    found = told(tmp_path, install(tmp_path, other, shell=False))
    assert found == [Complaint("packages", "", "the pacman hook `Make it` failed", SEE)]


@needs_pacman
def test_what_pacman_alone_knows(tmp_path: Path) -> None:
    found = told(tmp_path, install(tmp_path, tmp_path / "missing.pkg.tar"))
    assert [each.value for each in found] == [""]
    assert found[0].fact.startswith("pacman could not install the packages: '")
