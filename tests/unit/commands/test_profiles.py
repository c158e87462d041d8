"""`doit new`, `doit validate` and `doit show`, as someone uses them who writes a profile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from debate.commands import profiles as commands
from debate.errors import DebateError
from debate.profile.load import load
from debate.profile.schema import schema
from debate.settings import Settings
from debate.steps import config
from tests.conftest import ROOT


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build")


@pytest.mark.parametrize(
    ("words", "option", "parent"),
    [(["mine"], "", "minimal"), (["mine", "--from", "rescue"], "", "rescue"),
     (["mine"], "arch-minimal", "arch-minimal"), (["--from=kiosk", "mine"], "", "kiosk")],
)  # fmt: skip
def test_new(settings: Settings, words: list[str], option: str, parent: str) -> None:
    said = commands.new(settings, words, option)
    assert "profiles/mine.yaml written" in said
    assert "doit validate mine, then doit build:mine" in said
    text = (settings.profiles / "mine.yaml").read_text()
    assert yaml.safe_load(text)["extends"] == parent
    assert text.count("#") > 10
    made = config.normalise(load(settings.profiles, "mine"), settings.profiles)
    assert made.values["lock"] == config.normalise(
        load(settings.profiles, parent), settings.profiles
    ).values["lock"]  # fmt: skip


def test_what_new_suggests_is_valid(settings: Settings) -> None:
    """Each comment line, taken in, makes a profile whose fields are known."""
    commands.new(settings, ["mine"], "")
    path = settings.profiles / "mine.yaml"
    lines = path.read_text().splitlines()
    (settings.profiles / "hooks").mkdir(exist_ok=True)
    (settings.profiles / "hooks/mine.sh").write_text("true\n")
    (settings.profiles / "overlays/mine").mkdir(parents=True)
    lines = [line.removeprefix("# ") if number > 2 else line for number, line in enumerate(lines)]
    path.write_text("\n".join(lines).replace("AAAA…", "AAAA") + "\n")
    assert commands.validate(settings, ["mine"], "text") == ("1 profile: all valid\n", True)


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "name one profile"), (["a", "b"], "name one profile"), (["minimal"], "is there already"),
     (["../x"], "is not a valid profile name"), (["a", "--from", "nope"], "there is no profile 'nope' to extend"),
     (["a", "--form", "x"], "--form: not known here; --from VALUE is"), (["a", "--from"], "--from: not known here")],
)  # fmt: skip
def test_new_refuses(settings: Settings, words: list[str], message: str) -> None:
    before = sorted(settings.profiles.iterdir())
    with pytest.raises(DebateError, match=message):
        commands.new(settings, words, "")
    assert sorted(settings.profiles.iterdir()) == before


def test_validate(settings: Settings) -> None:
    assert commands.validate(settings, [], "text") == ("5 profiles: all valid\n", True)
    (settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\nhostname: a b\n")
    said, valid = commands.validate(settings, [], "text")
    assert not valid
    assert "profiles/bad.yaml:2:1: unknown field 'pkgs'" in said
    assert "profiles/bad.yaml:3:11: " in said
    assert said.endswith("6 profiles: 1 invalid, 2 problems\n")
    assert commands.validate(settings, ["minimal"], "text")[1]


def test_validate_for_github(settings: Settings) -> None:
    (settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\n")
    said, _ = commands.validate(settings, ["bad"], "github")
    assert said.startswith("::error file=profiles/bad.yaml,line=2,col=1::unknown field 'pkgs'")
    assert commands.validate(settings, ["minimal", "--format", "github"], "text") == ("", True)


def test_validate_as_json(settings: Settings) -> None:
    (settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\n")
    said, _ = commands.validate(settings, ["bad", "minimal"], "json")
    found = json.loads(said)
    assert found["minimal"] == []
    assert (found["bad"][0]["file"], found["bad"][0]["line"], found["bad"][0]["column"]) == ("profiles/bad.yaml", 2, 1)


def test_validate_refuses(settings: Settings) -> None:
    with pytest.raises(DebateError, match="there is no profile 'minimul'; did you mean 'minimal'"):
        commands.validate(settings, ["minimul"], "text")
    with pytest.raises(DebateError, match="'xml'; choose one of text, github, json"):
        commands.validate(settings, [], "xml")


def test_show(settings: Settings) -> None:
    said = commands.show(settings, "minimal")
    made = config.normalise(load(settings.profiles, "minimal"), settings.profiles)
    assert said.startswith(f"# config {made.hash}\n")
    rows = dict(line.split("  # ") for line in said.splitlines() if "  # " in line)
    origins = {row.strip(): origin for row, origin in rows.items()}
    assert origins['hostname: "minimal"'].startswith("profiles/minimal.yaml:")
    assert origins['- "dbus"'].startswith("profiles/_common.yaml:")
    assert origins["keymap: null"] == "default"
    shown = yaml.safe_load(said)
    assert shown["release"] == "trixie"
    assert shown.keys() == schema()["properties"].keys() - {"extends"}
