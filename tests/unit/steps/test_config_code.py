"""An edit of any module that makes the config is seen: the stamp that `config` depends on changes with the config."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from debate import PACKAGE, distributions
from debate.graph.tasks import Graph
from debate.steps.config import RULE
from debate.steps.rules import rules
from tests.conftest import ROOT

BOTH = {"debian", "arch"}
PROFILE = "version: 1\ndistribution: {0}\nlocale: de_DE.utf8\nkeymap: de\ntimezone: Europe/Berlin\nhostname: here\n"
EDITS: dict[str, tuple[str, str, set[str]]] = {
    "distributions/debian.py": ('_LIVE = ("busybox", ', '_LIVE = ("busybox", "less", ', {"debian"}),
    "distributions/arch.py": ('names = ["base", ', 'names = ["base", "less", ', {"arch"}),
    "distributions/glibc.py": ('("utf-8", "utf8")', '("utf-8",)', BOTH),
    "distributions/interface.py": (
        "class LocaleParts:\n",
        "class LocaleParts:\n    def __post_init__(self) -> None:\n        self.checks.append(['more'])\n",
        BOTH,
    ),
    "entry.py": ('mode: str = "0644"', 'mode: str = "0444"', BOTH),
    "profile/chosen.py": ("distribution.GENERATORS[0]}", "distribution.GENERATORS[-1]}", BOTH),
    "steps/epoch.py": ('cls(choices.data["image"]["epoch"])', 'cls("another")', BOTH),
    "steps/choices.py": ('"-b", "1M"', '"-b", "512K"', BOTH),
    "steps/lock.py": ('recommends=data["recommends"]', 'recommends=not data["recommends"]', BOTH),
    "steps/packages.py": ('named=choices.data["kernel"] is not None', 'named=choices.data["kernel"] is None', BOTH),
    "steps/rootfs.py": ('sorted(set(choices.data["image"]["exclude"]))', '["/x"]', BOTH),
    "steps/overlay.py": ("127.0.0.1 localhost", "127.0.0.1 localhost here", BOTH),
    "steps/initrd.py": ('generator=choices.data["initrd"]["generator"]', 'generator="another"', BOTH),
    "steps/boot.py": ("tuple(sorted(set(firmware)))", '("uefi",)', BOTH),
    "images/iso.py": ('application="Live system"', 'application="Another system"', BOTH),
}
"""Module -> an edit of it, and the profiles whose config it changes."""

HASHES = """
import json
from pathlib import Path
from debate.host.stamp import stamp
from debate.profile.load import load
from debate.steps.config import normalise
root = Path("profiles")
hashes = {name: normalise(load(root, name), root).hash for name in ("debian", "arch")}
print(json.dumps({"stamp": stamp(Path("debate"), Path("sandbox")), **hashes}))
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, and a profile for each distribution."""
    root = tmp_path_factory.mktemp("copied")
    for directory in (PACKAGE, ROOT / "sandbox"):
        shutil.copytree(directory, root / directory.name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "profiles").mkdir()
    for name in ("debian", "arch"):
        (root / "profiles" / f"{name}.yaml").write_text(PROFILE.format(name))
    return root


def hashes(root: Path) -> dict[str, str]:
    """The stamp of the code, and the config hash of each profile."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", HASHES], cwd=root, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, str]:
    return hashes(copied)


@pytest.mark.parametrize("module", EDITS)
def test_an_edit_that_changes_the_config(copied: Path, before: dict[str, str], module: str) -> None:
    old, new, changes = EDITS[module]
    path = copied / "debate" / module
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    try:
        after = hashes(copied)
    finally:
        path.write_text(text)
    assert {name for name in after if after[name] != before[name]} == {"stamp", *changes}


def test_each_module_that_makes_a_part_of_it_is_edited() -> None:
    slices = {rule.slice.__module__ for rule in rules().values() if rule.slice}
    needed = {*slices, *(f"debate.distributions.{name}" for name in distributions.BOOTSTRAPPERS)}
    assert needed <= {f"debate.{name.removesuffix('.py').replace('/', '.')}" for name in EDITS}


def test_the_step_depends_on_the_stamp(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("debate.graph.tasks.stamp", lambda *_: "THE STAMP")
    task = Graph(copied).step(RULE, "arch")
    assert any(getattr(item, "config", "").startswith("THE STAMP ") for item in task["uptodate"])
