"""What differs between an installed package and a checkout: where shipped files are, and what installs the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import debate
from debate import errors
from tests.conftest import ROOT


def test_a_checkout_has_it_beside_the_package() -> None:
    for name in ("sandbox", "profiles", "docs"):
        assert debate.shipped(name) == ROOT / name
    assert debate.install("minisign") == "run ./setup"
    assert debate.install("ovmf", "check:web") == "run ./setup check:web"


def test_a_wheel_has_it_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a directory beside it has the same name, as in site-packages."""
    package = tmp_path / "debate"
    monkeypatch.setattr(debate, "PACKAGE", package)
    monkeypatch.setattr(debate, "INSIDE", package / "shipped")
    for name in ("sandbox", "profiles", "docs"):
        (package / "shipped" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()
        assert debate.shipped(name) == package / "shipped" / name
    assert debate.install("minisign") == "install minisign"
    assert debate.install("ovmf", "check:web") == "install ovmf"


def test_texts_name_documents_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "see docs/settings.md; docs/ci has recipes; not /srv/docs/x.md, mydocs/x.md, docs/x.py"
    assert errors.spoken(text) == text
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(errors, "INSIDE", tmp_path)
    there = (
        f"see {tmp_path}/docs/settings.md; {tmp_path}/docs/ci has recipes; not /srv/docs/x.md, mydocs/x.md, docs/x.py"
    )
    assert errors.spoken(text) == there


def test_the_documents_that_texts_name_are_there() -> None:
    named = {
        name for path in debate.PACKAGE.rglob("*.py") for name in re.findall(r"docs/[a-z-]+\.md", path.read_text())
    }
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).is_file()] == []
