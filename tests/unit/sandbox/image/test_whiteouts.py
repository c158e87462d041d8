"""A replaced directory hides the old one in any tool that knows whiteouts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from debate.sandbox.image import whiteouts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make device nodes")


def test_an_opaque_mark_becomes_whiteouts(tmp_path: Path) -> None:
    lower, other, upper = tmp_path / "lower", tmp_path / "other", tmp_path / "upper"
    for path in ("d/old", "d/kept", "d/sub/deep"):
        (lower / path).parent.mkdir(parents=True, exist_ok=True)
        (lower / path).touch()
    (other / "d").mkdir(parents=True)
    (other / "d" / "second").touch()
    (upper / "d" / "sub").mkdir(parents=True)
    (upper / "d" / "kept").touch()
    os.setxattr(upper / "d", whiteouts.OPAQUE, b"y")
    whiteouts.spell_out(upper, [lower, other])

    def kinds(directory: Path) -> dict[str, str]:
        return {p.name: stat.filemode(p.lstat().st_mode)[0] for p in directory.iterdir()}

    assert kinds(upper / "d") == {"old": "c", "second": "c", "kept": "-", "sub": "d"}
    assert kinds(upper / "d" / "sub") == {"deep": "c"}, "what lies below a hidden directory is hidden, too"
    assert (upper / "d" / "old").stat().st_rdev == 0
    assert whiteouts.OPAQUE not in os.listxattr(upper / "d")
