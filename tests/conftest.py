"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings


def many(examples: int) -> settings:
    """How often a property test runs: with ``examples`` cases, or as many as DEBATE_TEST_EXAMPLES says."""
    count = int(os.environ.get("DEBATE_TEST_EXAMPLES", examples))
    # A slow machine fails no test.
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)


settings.register_profile("debate", many(100))
settings.load_profile("debate")


ROOT = Path(__file__).parents[1]
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExamplePublicKeyOnlyForTheDocumentation0000"
"""The checkout."""
PROFILES = Path(__file__).parent / "profiles"
"""Profiles that only tests use."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
"""A file system in memory, for many small files; None where there is none."""


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them, but the mirrors' addresses."""
    for name in os.environ:
        if name.startswith("DEBATE_") and not name.startswith(("DEBATE_MIRROR_", "DEBATE_TEST_")):
            monkeypatch.delenv(name)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty profiles/ in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "profiles"
    directory.mkdir()
    return directory


def write_files(directory: Path, files: Mapping[str, str]) -> Path:
    """Write files of text below ``directory``, which is made. Returns it."""
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory
