"""Whatever is in the place of doit's database: it is put aside with a line, and the next run is as usual."""

from __future__ import annotations

import dbm.dumb
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.frontend.database import checked
from tests.conftest import ROOT, many

COMMANDS = (
    ["config:minimal"], ["list"], ["info", "config:minimal"], ["clean", "-n"], ["forget", "config:minimal"],
    ["ignore", "config:minimal"], ["show:minimal"], ["reset-dep", "config:minimal"], ["validate", "minimal"],
)  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose `minimal` has its config."""
    directory = tmp_path_factory.mktemp("checkout")
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (directory / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "profiles", directory / "profiles", symlinks=True)
    doit(directory, "config:minimal")
    return directory


def doit(checkout: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "doit", *words], cwd=checkout, capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/", "DEBATE_BASE": "debian"},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == status, said
    return said


def remembered(path: Path) -> dict[str, Any]:
    """What doit keeps of each task in a whole database."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute("select task_id, task_data from doit").fetchall()
    connection.close()
    assert rows
    found = {task: json.loads(text) for task, text in rows}
    return {task: {**row, "deps:": sorted(row["deps:"])} for task, row in found.items()}  # doit has a set of them.


def another_table(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table doit (task_id integer, more text, task_data blob)")
    connection.close()


def other_backend(path: Path) -> None:
    path.unlink()
    with dbm.dumb.open(str(path), "c") as database:
        database["config:minimal"] = "{}"
    path.with_name(f"{path.name}.dat").rename(path)
    for end in ("dir", "bak"):
        path.with_name(f"{path.name}.{end}").unlink(missing_ok=True)


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def with_rows(path: Path, text: str) -> None:
    """Every task's JSON is another text."""
    with sqlite3.connect(path) as connection:
        connection.execute("update doit set task_data = ?", (text,))
    connection.close()


def scrambled(path: Path) -> None:
    """The header is whole, and nothing else."""
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(reversed(data[100:])))


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


ASIDE: dict[str, Callable[[Path], object]] = {
    "random": lambda path: path.write_bytes(os.urandom(20_000)),
    "text": lambda path: path.write_text("{}"),
    "scrambled": scrambled,
    "cut in its header": lambda path: cut(path, 60),
    "a directory": lambda path: replaced(path, Path.mkdir),
    "a directory with files": lambda path: replaced(path, lambda path: (path / "a" / "b").mkdir(parents=True)),
    "a pipe": lambda path: replaced(path, os.mkfifo),
    "a link": lambda path: replaced(path, lambda path: path.symlink_to("/etc/passwd")),
    "a link to nothing": lambda path: replaced(path, lambda path: path.symlink_to(path.parent / "made-by-sqlite")),
    "a journal that is a link": lambda path: path.with_name(".doit.db-journal").symlink_to("/etc/passwd"),
    "a journal that is a directory": lambda path: path.with_name(".doit.db-journal").mkdir(),
    "another table": another_table,
    "another backend": other_backend,
    "open to all": lambda path: path.chmod(0o666),
}  # fmt: skip
"""What is put aside, with a line."""
MISSES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: cut(path, 0),
    "one byte": lambda path: path.write_bytes(b"x"),
    "a journal of nonsense": lambda path: path.with_name(".doit.db-journal").write_bytes(os.urandom(5000)),
    **{f"rows of {text[:20]}": lambda path, text=text: with_rows(path, text) for text in (
        "", "null", "5", "[]", "[" * 100_000, '"x"', "\0", '{"_values_:": 5}', '{"deps:": {"a": 1}}',
        '{"deps:": [[]]}', '{"checker:": []}', '{"ignore:": {}}', '{"_values_:": {"targets": 3}}',
        json.dumps({str(ROOT / "profiles/minimal.yaml"): {"a": 1}}),
        json.dumps({str(ROOT / "profiles/minimal.yaml"): [1, 2, 3, 4, 5]}),
    )},
}  # fmt: skip
"""What needs no line, since nothing is lost."""


@pytest.mark.parametrize("damage", [*ASIDE, *MISSES])
def test_one_run_mends_it(checkout: Path, damage: str) -> None:
    database = checkout / "build" / ".doit.db"
    before = remembered(database)
    {**ASIDE, **MISSES}[damage](database)
    said = doit(checkout, "config:minimal")
    line = "build/.doit.db: {}, so it was put aside; every step is looked up again\n"
    facts = ("is damaged", "is no database", "can be written by everyone")
    assert any(line.format(fact) in said for fact in facts) == (damage in ASIDE), said
    now = remembered(database)
    assert {task: {**now[task], **row} for task, row in before.items()} == now, "all that was known, and maybe more"
    assert not (checkout / "build" / "made-by-sqlite").exists()


@pytest.mark.parametrize("name", ["named", ".doit.db"])
@pytest.mark.parametrize(
    "make",
    [
        lambda path: (path / "a").mkdir(parents=True),
        lambda path: path.write_text("notes"),
        lambda path: path.symlink_to("pyproject.toml"),
        os.mkfifo,
        lambda path: path.with_name(f"{path.name}-journal").mkdir(),
    ],
    ids=["a directory", "a text", "a link", "a pipe", "a journal that is a directory"],
)
def test_a_file_that_the_user_names_stays_as_it_is(
    checkout: Path, make: Callable[[Path], object], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    before = [(each, (*each.lstat()[:7], each.lstat().st_mtime)) for each in sorted(tmp_path.iterdir())]
    for words in (["run"], ["list"], ["forget"]):
        said = doit(checkout, *words, "--db-file", str(path), status=3)
        assert re.fullmatch(
            rf"ERROR: .*/{name}: is (no database|damaged), and it was named as .*; name a new file\n", said
        ), said
    assert [(each, (*each.lstat()[:7], each.lstat().st_mtime)) for each in sorted(tmp_path.iterdir())] == before


def test_a_new_file_that_the_user_names_is_used(checkout: Path) -> None:
    doit(checkout, "run", "--db-file", "new", "config:minimal")
    assert "up to date" in doit(checkout, "run", "--db-file", "new", "config:minimal")


def test_what_was_mended_is_used(checkout: Path) -> None:
    ASIDE["random"](checkout / "build" / ".doit.db")
    assert "put aside" in doit(checkout, "config:minimal")
    said = doit(checkout, "config:minimal")
    assert "up to date" in said
    assert "aside" not in said


@pytest.mark.parametrize("words", COMMANDS, ids=[words[0] for words in COMMANDS])
def test_every_command_survives_it(checkout: Path, words: list[str]) -> None:
    for damage in ("random", "a directory"):
        ASIDE[damage](checkout / "build" / ".doit.db")
        assert "put aside" in doit(checkout, *words, status=words[0] == "info"), damage


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a file system")
def test_a_full_disk(tmp_path: Path) -> None:
    """What was written meanwhile is put aside or completed, and the run itself counts."""
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    (tmp_path / "build").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k,mode=755", "tmpfs", str(tmp_path / "build")]
    subprocess.run(mount, check=True)
    try:
        said = doit(tmp_path, "validate", "minimal")
        assert "is on a full disk, so this run is not remembered" in said
        subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path / "build")], check=True)
        doit(tmp_path, "config:minimal")
        assert "up to date" in doit(tmp_path, "config:minimal")
    finally:
        subprocess.run(["umount", str(tmp_path / "build")], check=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["deps:", "_values_:"]), inner),
    max_leaves=10,
)


@many(200)
@given(JSON | st.dictionaries(st.sampled_from(["deps:", "_values_:", "checker:", "ignore:", "result:", "/f"]), JSON))
def test_what_is_read_of_a_row_has_the_types_that_doit_expects(value: object) -> None:
    found = checked(json.dumps(value))
    assert not found or found.keys() == json.loads(json.dumps(value)).keys()
    assert isinstance(found.get("_values_:", {}), dict)
    assert isinstance(found.get("deps:", []), list)
    set(found.get("deps:", []))


def test_no_other_user_can_lock_it(tmp_path: Path) -> None:
    """Who can read it could, for as long as they like. What it remembers is kept."""
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    path = tmp_path / "build/.doit.db"
    old = os.umask(0)
    try:
        doit(tmp_path, "config:minimal")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        said = doit(tmp_path, "config:minimal")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "up to date" in said


def test_a_database_of_the_host_that_was_linked_there(tmp_path: Path) -> None:
    """Neither what is in it nor its mode changes, on a kernel that does not protect hard links."""
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    path, elsewhere = tmp_path / "build/.doit.db", tmp_path / "elsewhere"
    doit(tmp_path, "config:minimal")
    path.rename(elsewhere)
    elsewhere.chmod(0o644)
    before = elsewhere.read_bytes()
    os.link(elsewhere, path)
    said = doit(tmp_path, "hash:minimal")
    assert "build/.doit.db: has another name, by which others may use it, so it was put aside" in said
    assert (elsewhere.read_bytes(), stat.S_IMODE(elsewhere.stat().st_mode)) == (before, 0o644)
    assert "up to date" in doit(tmp_path, "hash:minimal")
