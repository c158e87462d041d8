"""What a rebuild gets of the profiles: the files that they name, and nothing of the host."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from debate import keys
from debate.commands.logic import verify
from debate.commands.logic.verify import copy_profiles
from debate.errors import DebateError
from debate.profile import sources
from debate.profile.load import load
from debate.settings import Settings
from debate.steps import config
from tests.bounded import bounded
from tests.conftest import write_files
from tests.foreign import NOT_FILES, SECRET, secret


@pytest.fixture
def settings(profiles: Path) -> Settings:
    """Those of the profile x, whose config was made."""
    secret(profiles.parent)
    write_files(profiles, {"x.yaml": "version: 1\nextends: _c\nhooks: [now]\noverlays: [tree, on/../tree/d]\n"})
    write_files(profiles, {"_c.yaml": "version: 1\nhostname: c\n", "hooks/a.sh": "true\n", "tree/d/f": "text"})
    (profiles / "now").symlink_to("hooks/a.sh")
    (profiles / "on").mkdir()
    (profiles / "tree/link").symlink_to("/etc/shadow")
    (profiles / "tree/d/f").chmod(0o755)
    settings = Settings(root=profiles.parent, cache=profiles.parent / "cache", output=profiles.parent / "build")
    made = config.normalise(load(profiles, "x"), profiles)
    output = settings.output / "x"
    output.mkdir(parents=True, mode=0o755)
    (output / "sources.json").write_bytes(keys.canonical(sources.state(made.sources, profiles)))
    (output / "lock.json").write_text("{}")
    return settings


def hash_of(directory: Path) -> str:
    return config.normalise(load(directory, "x"), directory).hash


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
@pytest.mark.parametrize("name", ["y.yaml", "x.lock.json", "hooks/neighbour", "_new.yaml"])
def test_neighbours_and_locks_are_not_copied(
    settings: Settings, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(settings.profiles / name)
    copy = tmp_path / "copy" / "profiles"
    with bounded():
        copy_profiles(settings, ["x"], copy)
        assert hash_of(copy) == hash_of(settings.profiles)
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if not path.is_dir()}
    assert files == {"x.yaml", "_c.yaml", "now", "x.lock.json", "tree/d/f", "tree/link"}
    assert os.readlink(copy / "tree/link") == "/etc/shadow"
    assert (copy / "x.lock.json").read_text() == "{}"
    assert (tmp_path / "secret").read_text() == f"{SECRET}\n"


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
@pytest.mark.parametrize("name", ["x.yaml", "hooks/a.sh", "tree/d/f", "tree", "hooks"])
def test_what_has_changed_since(settings: Settings, tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    (settings.profiles / name).rename(tmp_path / "before")
    make(settings.profiles / name)
    copy = tmp_path / "copy" / "profiles"
    with bounded(), contextlib.suppress(DebateError):
        copy_profiles(settings, ["x"], copy)
    for path in copy.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET not in path.read_text()


def test_the_rebuild_has_the_proxies_of_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:2")
    settings = Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build")
    found = verify._other_conditions(settings, tmp_path / "root")
    assert {name: value for name, value in found.items() if name.endswith("proxy")} == {
        "http_proxy": "http://proxy.example:1",
        "https_proxy": "http://proxy.example:2",
    }


@pytest.mark.parametrize(
    "text",
    ["x" * (16 << 20), "x\n" * (8 << 20), "\n" * (16 << 20), "\r\v\f\x85\u2028" * (1 << 20), "a\n" + "x" * (16 << 20)],
)
def test_little_is_shown_of_a_comparison(text: str) -> None:
    """The rest is in a file."""
    with bounded(processor=0.2):
        shown = verify.start_of(text)
    assert 1 <= len(shown) <= 12
    assert all(len(line) < 400 for line in shown)
    assert verify.start_of("- a\n+ b\n") == ["- a", "+ b"]
