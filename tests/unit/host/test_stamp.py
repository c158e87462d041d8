"""Whatever changes in debate's code, each step notices; and that costs a lookup, no sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from debate import PACKAGE
from debate.graph.tasks import Graph
from debate.host.stamp import stamp
from debate.steps.rule import HOST
from debate.steps.rules import rules
from tests.conftest import ROOT
from tests.unit.graph.test_tasks import doit
from tests.unit.steps.fake import build

FILES = sorted(
    str(path.relative_to(directory.parent))
    for directory in (PACKAGE, ROOT / "sandbox")
    for path in directory.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the scripts, as in a checkout."""
    root = tmp_path_factory.mktemp("copied")
    for directory in (PACKAGE, ROOT / "sandbox"):
        shutil.copytree(directory, root / directory.name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def of(root: Path) -> str:
    stamp.cache_clear()
    return stamp(root / "debate", root / "sandbox")


def test_there_are_files() -> None:
    assert len(FILES) > 150
    assert {"debate/distributions/debian.py", "debate/schema/profile.schema.json", "sandbox/overlay.sh"} <= set(FILES)


def test_a_change_of_each_file_is_seen(copied: Path) -> None:
    before = of(copied)
    for name in FILES:
        path = copied / name
        data = path.read_bytes()
        path.write_bytes(data + b"\n")
        assert of(copied) != before, name
        path.write_bytes(data)
    assert of(copied) == before


def test_a_file_that_comes_goes_or_moves_is_seen(copied: Path) -> None:
    before = of(copied)
    new = copied / "debate" / "steps" / "extra.py"
    new.touch()
    assert of(copied) != before
    new.unlink()
    gone = copied / "sandbox" / "overlay.sh"
    gone.rename(gone.with_name("other.sh"))
    assert of(copied) != before
    gone.with_name("other.sh").rename(gone)
    assert of(copied) == before


def test_times_and_bytecode_mean_nothing(copied: Path) -> None:
    before = of(copied)
    os.utime(copied / "debate" / "keys.py", (1, 1))
    cache = copied / "debate" / "steps" / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"x")
    (copied / "debate" / "left.pyc").write_bytes(b"x")
    assert of(copied) == before


LEFTOVERS: dict[str, Callable[[Path], object]] = {
    "a lock of Emacs": lambda place: (place / ".#boot.py").symlink_to("user@host.1:2"),
    "a swap file of Vim": lambda place: (place / ".boot.py.swp").write_bytes(b"x"),
    "a backup": lambda place: (place / "boot.py~").write_bytes(b"x"),
    "bytecode": lambda place: [(place / "__pycache__").mkdir(), (place / "__pycache__" / "x.pyc").write_bytes(b"x")],
    "a loop": lambda place: (place / "loop").symlink_to("."),
    "a loop above": lambda place: (place / "loop").symlink_to(".."),
    "a pipe": lambda place: os.mkfifo(place / "pipe.py"),
}
"""What editors, tools and mistakes leave beside the code, which is none of it."""


@pytest.mark.parametrize(
    "place", ["debate/steps", "debate/images", "debate/commands", "debate/sandbox/image", "sandbox"]
)
@pytest.mark.parametrize("what", LEFTOVERS)
def test_what_an_editor_leaves_is_no_code(tmp_path: Path, what: str, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "x.py").touch()
    before = of(tmp_path)
    LEFTOVERS[what](tmp_path / place)
    assert of(tmp_path) == before


def test_doit_runs_beside_what_an_editor_leaves(copied: Path, tmp_path: Path) -> None:
    """All of it at once, in each directory whose files count by being there."""
    root = tmp_path / "checkout"
    shutil.copytree(copied, root)
    for name in ("profiles", "dodo.py", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, root / name)
    listed = doit(root, "list", "--all", PYTHONPATH=str(root))
    key = "from debate.sandbox import image; print(*image.code().items())"
    environment = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    code = subprocess.run([sys.executable, "-c", key], cwd=root, env=environment, capture_output=True, check=True)
    for place in ("debate/steps", "debate/images", "debate/commands", "debate/sandbox/image", "sandbox"):
        shutil.rmtree(root / place / "__pycache__", ignore_errors=True)
        for name in LEFTOVERS.keys() - {"a loop above"}:
            LEFTOVERS[name](root / place)
        (root / place / "directory.py").mkdir()
    assert doit(root, "list", "--all", PYTHONPATH=str(root)) == listed
    again = subprocess.run([sys.executable, "-c", key], cwd=root, env=environment, capture_output=True, check=True)
    assert again.stdout == code.stdout


def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    for name, target in (("a", "../b"), ("b", "../a")):
        (tmp_path / "debate" / name).mkdir(parents=True)
        (tmp_path / "debate" / name / "link").symlink_to(target)
    assert of(tmp_path)


@pytest.mark.parametrize("target", ["x.sh", "missing", "/dev/null", "other"])
def test_a_link_counts_by_what_it_leads_to(tmp_path: Path, target: str) -> None:
    (tmp_path / "debate").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sandbox").symlink_to("elsewhere")
    before = of(tmp_path)
    (tmp_path / "sandbox" / "other").mkdir()
    (tmp_path / "sandbox" / "other" / "y.sh").touch()
    (tmp_path / "sandbox" / "x.sh").touch()
    real = of(tmp_path)
    assert real != before, "the top directory may be a link"
    (tmp_path / "sandbox" / "link").symlink_to(target)
    assert (of(tmp_path) != real) == (target != "/dev/null")
    linked = of(tmp_path)
    (tmp_path / "sandbox" / "other" / "y.sh").write_text("edited")
    assert of(tmp_path) != linked


def test_every_step_depends_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setattr("debate.graph.tasks.stamp", lambda *_: "THE STAMP")
    graph = Graph(tmp_path)
    for rule in rules().values():
        task = graph.step(rule, "minimal" if rule.profile else HOST)
        assert any(getattr(item, "config", "").startswith("THE STAMP ") for item in task["uptodate"]), rule.name


def test_a_change_that_changes_no_key_runs_nothing(tmp_path: Path) -> None:
    """What a changed stamp leads to: every step again, each of them from the cache."""
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, tmp_path / name)
    made, builder = build(tmp_path, "minimal")
    ran = len(builder.ran)
    again, builder = build(tmp_path, "minimal")
    assert ran > 5
    assert builder.ran == []
    assert again.load("iso") == made.load("iso")
