"""The table of distributions: every row has its facts, and importing the table costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from debate import distributions, live, managers
from debate.distributions import BOOTSTRAPPERS
from debate.errors import DebateError
from debate.profile.schema import schema
from tests.conftest import ROOT


def test_every_row_is_complete() -> None:
    assert schema()["properties"]["distribution"]["enum"] == list(BOOTSTRAPPERS)
    for name in BOOTSTRAPPERS:
        facts = distributions.get(name)
        assert name == facts.NAME
        assert set(facts.GENERATORS) == set(facts.TOOLS) == set(facts.LIVE)
        assert set(facts.DEFAULT_COMPONENTS) <= set(facts.COMPONENTS)
        assert set(facts.TOOLS_FROM) <= set(BOOTSTRAPPERS)
        assert name in facts.RESERVED
        assert (ROOT / "sandbox" / name / "tools.packages").is_file()
        assert managers.get(name).tools_step(b"").commands
        assert all(callable(live.get(name, generator).live) for generator in facts.GENERATORS)


def test_the_tools_tree_is_of_the_first_that_the_host_can_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert distributions.for_tools("auto") == "debian"
    (tmp_path / "pacman").touch(mode=0o755)
    assert distributions.for_tools("auto") == "arch"
    (tmp_path / "mmdebstrap").touch(mode=0o755)
    assert distributions.for_tools("auto") == "debian"
    assert distributions.for_tools("arch") == "arch"


def test_an_unknown_tools_tree() -> None:
    with pytest.raises(DebateError) as caught:
        distributions.for_tools("fedora")
    assert str(caught.value) == "setting base: unknown value 'fedora'; choose one of auto, debian, arch"


LIGHT = """\
import sys
from debate import distributions, live, managers, settings
distributions.for_tools("debian")
print(*(name for name in sys.modules if name.startswith("debate.")))
"""


def test_the_tables_import_no_module_of_theirs() -> None:
    said = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wings = ("distributions", "managers", "live")
    loaded = {name for name in said.split() if name.split(".")[1] in wings}
    assert loaded == {f"debate.{wing}" for wing in wings}
