"""An installed wheel, and a workspace that has nothing of a checkout of debate."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from debate import keys
from tests.conftest import ROOT
from tests.integration.checkout import STORED, Checkout, ran
from tests.integration.conftest import wheel
from tests.integration.registry import Registry


def test_it_builds_the_same(elsewhere: Checkout, built: Checkout) -> None:
    """By the same keys: whatever the checkout made is found again, and nothing is run."""
    said = ran(elsewhere.doit("build", "minimal"))
    assert {step: said[step] for step in STORED} == dict.fromkeys(STORED, "cached")
    assert elsewhere.digest("minimal") == built.digest("minimal")
    for name in ("config", "hash"):
        assert elsewhere.json("minimal", f"{name}.json") == built.json("minimal", f"{name}.json")
    traces = [made.json("minimal", "traces/iso.json")["ingredients"] for made in (elsewhere, built)]
    assert traces[0] == traces[1]
    assert "up to date" in elsewhere.doit("build:minimal")


def test_on_a_shipped_profile(elsewhere: Checkout, built: Checkout) -> None:
    """Its layers are built once, for all that are based on it, and it has a directory of its own."""
    elsewhere.profile("web", "extends: debate/minimal\nbase: debate/minimal\n")
    lock = elsewhere.output("debate/minimal", "lock.json")
    lock.parent.mkdir(parents=True)
    lock.write_bytes(built.output("minimal", "lock.json").read_bytes())
    said = elsewhere.doit("build", "web", "push", "web", status=3)
    assert "no remote is set" in said
    said = elsewhere.doit("build", "web")
    assert ran(said, "debate/minimal")["rootfs"] == "cached"
    assert elsewhere.json("debate/minimal", "rootfs.json") == built.json("minimal", "rootfs.json")


def test_what_it_pushes_others_pull(elsewhere: Checkout, built: Checkout, installed: str, tmp_path: Path) -> None:
    registry = Registry.make(tmp_path / "registry")
    try:
        elsewhere.doit("build", "minimal", "push", "minimal", **registry.settings())
        other = Checkout.elsewhere(tmp_path / "other", tmp_path / "cache", installed)
        other.pin(built)
        other.doit("pull", "minimal", **registry.settings())
    finally:
        registry.stop()
    assert other.output("minimal", "minimal-amd64.iso").read_bytes() == built.iso("minimal").read_bytes()


def test_a_wheel_of_the_same_commit_is_the_same(installed: str, tmp_path: Path) -> None:
    """Bit for bit, elsewhere, with other times, and by somebody whose umask is another."""
    copy = tmp_path / "copy"
    for name in ("debate", "sandbox", "profiles", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1, 1))
    wheel(copy, tmp_path)
    (other,), (first,) = tmp_path.glob("*.whl"), Path(installed).parents[2].glob("*.whl")
    assert other.name == first.name
    assert keys.sha256_file(other) == keys.sha256_file(first)
