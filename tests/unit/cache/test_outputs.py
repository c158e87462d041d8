"""Builds in output directories, where this user may not look, or somebody removes them meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from debate.cache import outputs
from tests.conftest import ROOT

_AS_OTHERS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Modes hold for root, too."""
_LISTS = """\
import sys
from pathlib import Path
from debate.cache import outputs
for build in outputs.builds(Path("build"), print):
    print(build, *(path.name for path in outputs.files(build, "", print)))
"""


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Path]:
    """An output directory with two builds."""
    for name in ("lost+found", "minimal"):
        (tmp_path / "build" / name).mkdir(parents=True)
        (tmp_path / "build" / name / "iso.json").touch()
    (tmp_path / "build" / ".doit.db").touch()
    yield tmp_path / "build"
    for path in (tmp_path / "build", tmp_path / "build" / "lost+found"):
        if path.exists():
            path.chmod(0o755)


@pytest.mark.parametrize(
    ("closed", "mode", "said"),
    [
        ("lost+found", 0o755, ["build/lost+found iso.json", "build/minimal iso.json"]),
        (
            "lost+found",
            0,
            [
                "build/lost+found: cannot be read (Permission denied), so it is passed over; run as root",
                "build/lost+found",
                "build/minimal iso.json",
            ],
        ),
        ("", 0, ["build: cannot be read (Permission denied), so it is passed over; run as root"]),
        ("", 0o444, ["build: cannot be read (Permission denied), so it is passed over; run as root"]),
    ],
)
def test_what_may_not_be_listed(build: Path, closed: str, mode: int, said: list[str]) -> None:
    (build / closed).chmod(mode)
    done = subprocess.run(
        [*_AS_OTHERS, sys.executable, "-c", _LISTS],
        cwd=build.parent, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout.splitlines(), done.stderr) == (said, "")


def test_what_is_removed_meanwhile(build: Path) -> None:
    said: list[str] = []
    found = outputs.builds(build, said.append)
    assert found == [build / "lost+found", build / "minimal"]
    shutil.rmtree(build)
    assert list(outputs.files(found[0], "", said.append)) == []
    assert outputs.builds(build, said.append) == []
    assert said == []
