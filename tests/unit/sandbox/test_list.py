"""What is installed is read from a database that scripts could write to: from regular files, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

STATUS = (
    "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nMaintainer: x\nDescription: x\n\n"
    "Package: b\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2:1~x\nSource: src (1)\nMaintainer: x\n"
    "Description: x\n\n"
    "Package: c\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\nMaintainer: x\nDescription: x\n"
)
DESC = "%NAME%\n{name}\n\n%VERSION%\n1-1\n\n%BASE%\n{base}\n\n%ARCH%\nany\n\n%DEPENDS%\n%NAME%\nx\n"


def listed(tmp_path: Path, distribution: str) -> subprocess.CompletedProcess[str]:
    """`list` for the system in ROOT."""
    scripts = tmp_path / "step"
    shutil.rmtree(scripts, ignore_errors=True)
    shutil.copytree(ROOT / "sandbox", scripts)
    for script in (scripts / "problem.sh", *(scripts / distribution).glob("*.sh")):
        text = script.read_text().replace("/run/step", str(scripts)).replace("/run/work", str(tmp_path / "work"))
        script.write_text(text.replace("/run/problems", str(tmp_path / "problems")))
    text = f"set -eu\n. {scripts}/{distribution}/list.sh\nlist {tmp_path}/root\n"
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60)


@pytest.fixture
def dpkg(tmp_path: Path) -> Path:
    database = tmp_path / "root" / "var" / "lib" / "dpkg"
    (database / "updates").mkdir(parents=True)
    (database / "status").write_text(STATUS)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "status").write_text(STATUS.replace("Package: a", "Package: other"))
    return database


@pytest.fixture
def pacman(tmp_path: Path) -> Path:
    database = tmp_path / "root" / "var" / "lib" / "pacman" / "local"
    for name, base in (("a", "a"), ("b", "src")):
        (database / f"{name}-1-1").mkdir(parents=True)
        (database / f"{name}-1-1" / "desc").write_text(DESC.format(name=name, base=base))
    (database / "ALPM_DB_VERSION").write_text("9\n")
    (tmp_path / "else" / "a-1-1").mkdir(parents=True)
    (tmp_path / "else" / "a-1-1" / "desc").write_text(DESC.format(name="other", base="other"))
    return database


def test_of_dpkg(tmp_path: Path, dpkg: Path) -> None:
    done = listed(tmp_path, "debian")
    assert done.stdout == "a\t1\tall\ta\t1\nb\t2:1~x\tamd64\tsrc\t1\n", done.stderr
    for number, (status, state) in enumerate({
        "install ok unpacked": "iU", "install ok half-configured": "iF", "install reinstreq half-installed": "iHR",
        "install ok triggers-pending\nTriggers-Pending: x": "it", "hold ok installed": "hi",
        "purge ok not-installed": "",
    }.items()):  # fmt: skip
        one = STATUS.partition("\n\n")[0].replace("install ok installed", status)
        (dpkg / "status").write_text(f"{STATUS}\n{one.replace('Package: a', f'Package: x{number}')}\n")
        more = f"x{number}\t1\tall\tx{number}\t1\t{state}\n" if state else ""
        assert listed(tmp_path, "debian").stdout == done.stdout + more
    (dpkg / "status").write_text(STATUS)
    shutil.rmtree(dpkg / "updates")  # As in the changes to the layers below.
    assert listed(tmp_path, "debian").stdout == done.stdout


def test_of_pacman(tmp_path: Path, pacman: Path) -> None:
    done = listed(tmp_path, "arch")
    assert done.stdout == "a\t1-1\tany\ta\t1-1\nb\t1-1\tany\tsrc\t1-1\n", done.stderr
    assert pacman.is_dir()


def instead(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


DPKG: dict[str, Callable[[Path], object]] = {
    "no file": lambda database: (database / "status").unlink(),
    "a link": lambda database: instead(database / "status", lambda path: path.symlink_to("../../../../else/status")),
    "a pipe": lambda database: instead(database / "status", os.mkfifo),
    "a directory": lambda database: instead(database / "status", Path.mkdir),
    "a link above": lambda database: instead(database, lambda path: path.symlink_to("../../../else")),
    "a link further above": lambda database: instead(database.parents[1], lambda path: path.symlink_to("/var")),
    "a journal": lambda database: (database / "updates" / "0001").write_text(STATUS),
    "a link to a journal": lambda database: instead(database / "updates", lambda path: path.symlink_to("/tmp")),  # noqa: S108
    "no database": lambda database: (database / "status").write_text("Package: a\nx\n"),
}


@pytest.mark.parametrize("what", DPKG)
def test_a_database_that_is_not_dpkgs(what: str, tmp_path: Path, dpkg: Path) -> None:
    DPKG[what](dpkg)
    done = listed(tmp_path, "debian")
    assert done.returncode != 0
    assert done.stdout == ""


PACMAN: dict[str, Callable[[Path], object]] = {
    "a link": lambda database: instead(database, lambda path: path.symlink_to("../../../../else")),
    "a link above": lambda database: instead(database.parent, lambda path: path.symlink_to("/var")),
    "nothing": lambda database: shutil.rmtree(database),
    "a pipe": lambda database: instead(database, os.mkfifo),
}


@pytest.mark.parametrize("what", PACMAN)
def test_a_database_that_is_not_pacmans(what: str, tmp_path: Path, pacman: Path) -> None:
    PACMAN[what](pacman)
    done = listed(tmp_path, "arch")
    assert done.returncode != 0
    assert done.stdout == ""


def test_entries_that_are_no_files(tmp_path: Path, pacman: Path) -> None:
    """They are not installed, as far as the list goes; whoever needs them misses them."""
    instead(pacman / "a-1-1", lambda path: path.symlink_to("../../../../../else/a-1-1"))
    instead(pacman / "b-1-1" / "desc", os.mkfifo)
    (pacman / "c=1\n%NAME%").mkdir()
    (pacman / "c=1\n%NAME%" / "desc").write_text(DESC.format(name="c", base="c"))
    assert listed(tmp_path, "arch").stdout == "c\t1-1\tany\tc\t1-1\n"
