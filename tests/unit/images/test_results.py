"""What a build says of what it made: as text for people, and as values for programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from debate import keys
from debate.images import manifest, sbom
from tests.conftest import ROOT
from tests.unit.steps.fake import build


def test_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(manifest, "manifest", lambda _: {"packages": []})
    monkeypatch.setattr(sbom, "sbom", lambda _: {})
    made, _ = build(tmp_path, "minimal")
    said = made.make("build")["made"]
    iso = Path(said["file"])
    assert iso.parts == ("build", "minimal", "minimal-amd64.iso")
    assert (said["size"], said["digest"]) == (iso.stat().st_size, keys.sha256(iso.read_bytes()))
    assert said["file"] in said["what"]
    assert said["digest"] in said["what"]
    assert "check:minimal" in said["next"]
