"""What differs between an installed package and a checkout: where shipped files are, and what installs the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

import debate
from tests.conftest import ROOT


def test_a_checkout_has_it_beside_the_package() -> None:
    for name, path in {"sandbox": "sandbox", "profiles": "profiles", "ci": "docs/ci"}.items():
        assert debate.shipped(name) == ROOT / path
    assert debate.install("minisign") == "run ./setup"
    assert debate.install("ovmf", "check:web") == "run ./setup check:web"


def test_a_wheel_has_it_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a directory beside it has the same name, as in site-packages."""
    package = tmp_path / "debate"
    monkeypatch.setattr(debate, "PACKAGE", package)
    monkeypatch.setattr(debate, "INSIDE", package / "shipped")
    for name in ("sandbox", "profiles", "ci"):
        (package / "shipped" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()
        assert debate.shipped(name) == package / "shipped" / name
    assert debate.install("minisign") == "install minisign"
    assert debate.install("ovmf", "check:web") == "install ovmf"
