"""What a script reads of others is known, so that a change of it counts."""

from __future__ import annotations

from pathlib import Path

from debate.sandbox.scripts import closure
from tests.conftest import ROOT


def test_closure(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "a.sh").write_text(". /run/step/d/b.sh\n")
    (tmp_path / "d" / "b.sh").write_text("exec sh /run/step/c.sh /run/step/a.sh\n")
    (tmp_path / "c.sh").write_text("echo\n")
    (tmp_path / "other.sh").write_text("echo\n")
    assert closure(tmp_path, "a.sh") == ["a.sh", "c.sh", "d/b.sh"]


def test_the_shipped_scripts() -> None:
    scripts = ROOT / "sandbox"
    assert closure(scripts, "debian/lock.sh") == ["debian/apt.sh", "debian/lock.sh"]
    assert closure(scripts, "overlay.sh") == ["hook-errors.bash", "overlay.sh", "present.sh", "problem.sh"]
    everything = {str(path.relative_to(scripts)) for pattern in ("*.sh", "*.bash") for path in scripts.rglob(pattern)}
    tops = {name for name in everything if name not in ("debian/apt.sh", "hook-errors.bash")}
    assert {name for top in tops for name in closure(scripts, top)} == everything
