"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
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
"""The checkout."""
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExamplePublicKeyOnlyForTheDocumentation0000"
PROFILES = Path(__file__).parent / "profiles"
"""Profiles that only tests use."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
"""A file system in memory, for many small files; None where there is none."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `full`, and, with DEBATE_TEST_ROWS, all but that many rows of each table of inputs."""
    if os.environ.get("DEBATE_TEST_FULL") != "1":
        _leave_out(config, items, [item for item in items if item.get_closest_marker("full")])
    most = int(os.environ.get("DEBATE_TEST_ROWS", "0"))
    if not most:
        return
    tables = [item.nodeid.partition("[")[0] for item in items]
    rows, seen = Counter(tables), Counter[str]()
    left: list[pytest.Item] = []
    for table, item in zip(tables, items, strict=True):
        number = seen[table] * most
        seen[table] += 1
        if number % rows[table] >= most < rows[table]:
            left.append(item)
    _leave_out(config, items, left)


def _leave_out(config: pytest.Config, items: list[pytest.Item], left: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


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


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Path]:
    """A directory for what the tests of a module build and damage many times: a disk would wait for each file."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def write_files(directory: Path, files: Mapping[str, str]) -> Path:
    """Write files of text below ``directory``, which is made. Returns it."""
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory
