"""A checkout's profiles, and what commands are given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from debate.commands.command import Context
from debate.settings import Settings
from tests.conftest import ROOT


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a copy of this checkout's profiles, which is the working directory."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build")


def context_of(settings: Settings, say: Callable[[str], None] = print) -> Context:
    """For commands that build nothing."""

    def nothing(*_: object) -> NoReturn:
        raise AssertionError("this command builds nothing")

    return Context(settings, say, *(nothing,) * 6)


@pytest.fixture
def context(settings: Settings) -> Context:
    return context_of(settings)
