"""What this host cannot build is left out of `build` of all, with a line each, and refused where it is named."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from debate.graph.left_out import left_out
from debate.graph.tasks import Graph
from debate.settings import Settings, load
from tests.conftest import write_files
from tests.unit.graph.test_tasks import DOIT

DEBIAN = {
    "DEBATE_MIRROR_DEBIAN": "http://127.0.0.1:9/debian",
    "DEBATE_MIRROR_DEBIAN_SECURITY": "http://127.0.0.1:9/debian-security",
}
PROFILES = {
    "plain.yaml": "version: 1\n",
    "_arch.yaml": "version: 1\ndistribution: arch\n",
    "arch.yaml": "version: 1\nextends: _arch\n",
    "above.yaml": "version: 1\nextends: _arch\nbase: arch\n",
    "mirrored.yaml": "version: 1\nextends: _arch\nmirror: https://arch.example\n",
    "broken.yaml": "version: 1\ndistribution: arch\npackges: [x]\n",
}


@pytest.fixture
def workspace(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with profiles of both distributions, on a host that knows no archive of Arch."""
    monkeypatch.setattr("debate.distributions.arch.HOST_MIRRORS", "/nonexistent")
    monkeypatch.delenv("DEBATE_MIRROR_ARCH", raising=False)
    write_files(profiles, PROFILES)
    return profiles.parent


def settings(root: Path, **more: str) -> Settings:
    return load(root, {**DEBIAN, "DEBATE_BASE": "debian", **more})


def test_what_is_left_out(workspace: Path) -> None:
    """Not what names an address itself, and not what is broken: that fails."""
    names = ("plain", "arch", "above", "mirrored", "broken")
    found = left_out(settings(workspace), names)
    assert list(found) == ["arch", "above"]
    assert str(found["above"]) == (
        "profiles/above.yaml: left out, since this host cannot build it: no Arch mirror is known; set "
        "DEBATE_MIRROR_ARCH to its address, the directory that contains core/os/x86_64/"
    )
    assert left_out(settings(workspace, DEBATE_MIRROR_ARCH="http://127.0.0.1:9"), names) == {}


def test_tools_of_another_distribution(workspace: Path) -> None:
    found = left_out(
        settings(workspace, DEBATE_BASE="arch", DEBATE_MIRROR_ARCH="http://127.0.0.1:9"), ("plain", "arch")
    )
    assert list(found) == ["plain"]
    assert "the tools of arch cannot build debian; install mmdebstrap and set DEBATE_BASE=debian" in str(found["plain"])


def test_what_was_built_before_or_may_come_from_the_remote(workspace: Path) -> None:
    """Then no archive is asked."""
    (workspace / "profiles" / "arch.lock.json").write_text("{}")
    assert list(left_out(settings(workspace), ["arch"])) == ["arch"]
    assert not left_out(settings(workspace, DEBATE_REMOTE="oci://registry.example/isos"), ["arch"])
    (workspace / "profiles" / "arch.lock.json").unlink()
    write_files(workspace, {"build/arch/packages.json": "{}"})
    assert not left_out(settings(workspace), ["arch"])


@pytest.mark.parametrize(
    ("words", "without", "with_"),
    [
        (["build"], ["build:arch", "lock:above"], ["build:plain", "config:arch"]),
        (["*:*"], ["build:arch", "push:arch", "check:above"], ["build:plain", "pull:arch", "show:arch"]),
        (["build", "build:above"], [], ["build:above", "build:arch"]),
        (["push"], ["push:arch"], ["push:plain"]),
        (["build:arch"], [], ["build:arch"]),
        (["hash"], [], ["build:arch"]),
    ],
)
def test_the_tasks(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], without: list[str], with_: list[str]
) -> None:
    for name, value in {**DEBIAN, "DEBATE_BASE": "debian"}.items():
        monkeypatch.setenv(name, value)

    def names(*, runs: bool) -> set[str]:
        graph = Graph(workspace)
        graph.narrow(words, runs=runs)
        return {f"{task['basename']}:{task['name']}" for task in (*graph.steps(), *graph.commands()) if "name" in task}

    assert names(runs=True).isdisjoint(without)
    assert names(runs=True) >= set(with_)
    assert names(runs=False) >= {*without, *with_}, "in lists nothing is left out"


def doit(workspace: Path, *words: str, status: int) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    kept |= {**DEBIAN, "DEBATE_BASE": "debian"}
    done = subprocess.run([DOIT, *words], cwd=workspace, env=kept, text=True, capture_output=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(Path("/etc/pacman.d/mirrorlist").exists(), reason="this host knows an archive of Arch")
def test_a_line_each_and_no_success_without_work(profiles: Path) -> None:
    write_files(
        profiles, {name: text for name, text in PROFILES.items() if name not in ("broken.yaml", "mirrored.yaml")}
    )
    root = profiles.parent
    (root / "dodo.py").write_text("from debate.frontend.workspace import tasks\nglobals().update(tasks(__file__))\n")
    assert "left out" not in doit(root, "config", status=0)
    said = doit(root, "hash", "lock", "--format", "json", status=1)
    told = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {one["file"] for one in told if one["kind"] == "warning"} == {"profiles/above.yaml", "profiles/arch.yaml"}
    assert {one["task"] for one in told if one["kind"] == "step"} >= {"hash:arch", "hash:plain"}
    assert not [one for one in told if one["kind"] == "step" and one["task"] == "lock:arch"]
    (profiles / "plain.yaml").unlink()
    said = doit(root, "build", status=3)
    assert said.count("left out, since this host cannot build it: no Arch mirror is known") == 2
