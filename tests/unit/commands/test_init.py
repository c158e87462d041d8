"""`debate init`: a workspace made of a directory."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from debate.commands.logic import init
from debate.commands.validate import run as validate
from debate.errors import DebateError
from debate.settings import Settings, load
from tests.conftest import ROOT
from tests.unit.commands.conftest import context_of
from tests.unit.frontend.test_workspace import run

MADE = [
    "profiles/live.yaml", "profiles/.profile.schema.json", "debate.toml", "dodo.py", ".gitignore",
    ".pre-commit-config.yaml",
]  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def at(root: Path) -> Settings:
    return Settings(root=root, cache=root / "cache", output=root / "build")


def files(root: Path) -> dict[str, str]:
    """Path and text of all files, but git's own."""
    found = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if not name.startswith(".git/")}


def test_all_is_written_and_valid(empty: Path) -> None:
    answer = init.make(context_of(at(empty)), [], "")
    made = files(empty)
    assert sorted(made) == sorted(MADE)
    assert "next: debate build:live" in answer.text
    assert validate(context_of(at(empty)), ["live"]).good
    assert tomllib.loads(made["debate.toml"]) == {}
    assert load(empty, {}).jobs == 3
    assert yaml.safe_load(made[".pre-commit-config.yaml"])["repos"][0]["hooks"][0]["entry"] == "debate validate"
    assert made["dodo.py"].count("\n") == 3


def test_what_settings_suggest_is_valid(empty: Path) -> None:
    """Each line, taken in."""
    init.make(context_of(at(empty)), [], "")
    lines = re.findall(r"^# (\w+ = .*)$", files(empty)["debate.toml"], re.MULTILINE)
    assert len(lines) == 3
    (empty / "debate.toml").write_text("\n".join(lines))
    load(empty, {})


@pytest.mark.parametrize("program", ["debate", "doit"])
def test_the_program_makes_it_where_one_stands(tmp_path: Path, program: str) -> None:
    """Also below another workspace. Nothing else is left there; a build makes the rest."""
    (tmp_path / "profiles").mkdir()
    mine = tmp_path / "mine"
    mine.mkdir()
    assert "next: debate build:web" in run("debate", "init", "web", cwd=mine)
    assert sorted(files(mine)) == sorted([*MADE[1:], "profiles/web.yaml"])
    assert run(program, "validate", "web", cwd=mine) == "1 profile: all valid\n"
    said = run("debate", "init", cwd=mine, status=1)
    assert "profiles: already exists, so nothing was written; `debate new NAME` writes one more" in said


@pytest.mark.parametrize("name", ["profiles", "debate.toml", "dodo.py"])
def test_nothing_is_overwritten(empty: Path, name: str) -> None:
    (empty / name).write_text("mine\n")
    with pytest.raises(DebateError, match=f"{name}: already exists, so nothing was written"):
        init.make(context_of(at(empty)), [], "")
    assert files(empty) == {name: "mine\n"}


@pytest.mark.parametrize("name", [".gitignore", ".pre-commit-config.yaml", ".github/workflows/isos.yml"])
def test_other_files_are_left_as_they_are(empty: Path, name: str) -> None:
    (empty / name).parent.mkdir(parents=True, exist_ok=True)
    (empty / name).write_text("mine\n")
    answer = init.make(context_of(at(empty)), [], "github")
    assert files(empty)[name] == "mine\n"
    assert f"{name}  is there, and left as it is; else it would have:\n    " in answer.text


@pytest.mark.parametrize(("names", "message"), [(["a", "b"], "name one profile"), (["../x"], "is not a valid name")])
def test_what_is_refused(empty: Path, names: list[str], message: str) -> None:
    with pytest.raises(DebateError, match=message):
        init.make(context_of(at(empty)), names, "")
    assert files(empty) == {}


@pytest.mark.parametrize(
    ("remote", "file"),
    [
        ("git@github.com:us/isos.git", ".github/workflows/isos.yml"),
        ("https://github.example/us/isos", ".github/workflows/isos.yml"),
        ("ssh://git@gitlab.example:22/us/isos", ".gitlab-ci.yml"),
        ("https://git.example/github/isos", ""),
        ("/srv/gitlab/isos.git", ""),
        ("", ""),
    ],
)
def test_the_forge_is_seen(empty: Path, remote: str, file: str) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    if remote:
        subprocess.run(["git", "remote", "add", "origin", remote], check=True)
    answer = init.make(context_of(at(empty)), [], "")
    assert files(empty).keys() - set(MADE) == ({file} if file else set())
    assert ("no file for CI" in answer.text) == (not file)


def test_the_remotes_of_a_repository_above_are_another_matter(empty: Path) -> None:
    """The forge reads only what is at its top."""
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:us/isos.git"], check=True)
    (empty / "below").mkdir()
    init.make(context_of(at(empty / "below")), [], "")
    assert sorted(files(empty / "below")) == sorted(MADE)


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_recipe_installs_debate_in_each_job(forge: str) -> None:
    text = init.recipe(forge, "debate==9")
    made, own = (yaml.safe_load(each) for each in (text, (ROOT / "docs/ci" / f"{forge}.yml").read_text()))
    assert "./setup" not in text
    assert text.count('pipx install "$PACKAGE"') == 3
    assert (made.get("env") or made["variables"])["PACKAGE"] == "debate==9"
    assert init.PACKAGES in text
    commands = made.get("jobs", made)["validate"]
    said = [step["run"] for step in commands["steps"] if "run" in step] if "steps" in commands else commands["script"]
    assert said[-1].startswith("debate validate"), "without root"
    assert not any(word in " ".join(said) for word in ("sudo", "mmdebstrap", "systemd"))
    for job in ("check", "publish"):
        jobs = made.get("jobs", made)[job], own.get("jobs", own)[job]
        said = ["\n".join(map(str, one.get("steps") or one["script"])) for one in jobs]
        programs = [re.findall(r"(?:\./setup|debate(?:\)\")?) (build|push)", each) for each in said]
        assert programs[0] == programs[1] != []


def test_the_packages_are_those_that_setup_installs() -> None:
    wanted = re.search(r'^wanted="(.*) python3-venv"$', (ROOT / "setup").read_text(), re.MULTILINE)
    assert wanted
    assert wanted[1] == init.PACKAGES


class Installed:
    def __init__(self, text: str | None) -> None:
        self.text = text

    def read_text(self, _: str) -> str | None:
        return self.text


@pytest.mark.parametrize(
    ("text", "package"),
    [
        (None, f"debate=={init.__version__}"),
        ('{"url": "file:///home/me/debate", "dir_info": {"editable": true}}', "WHERE-IT-IS"),
        ('{"url": "https://git.example/d", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}}',
         "git+https://git.example/d@0a1b"),
        ('{"url": "https://e.example/d.whl", "archive_info": {"hashes": {"sha256": "ab"}}}',
         "https://e.example/d.whl#sha256=ab"),
        ('{"url": "https://e.example/d.whl", "archive_info": {}}', "https://e.example/d.whl"),
        ("{", "WHERE-IT-IS"),
    ],
)  # fmt: skip
def test_where_this_debate_is_from(monkeypatch: pytest.MonkeyPatch, text: str | None, package: str) -> None:
    """As pip notes it: each form of PEP 610."""
    monkeypatch.setattr(init, "distribution", lambda _: Installed(text))
    assert init.package() == package
