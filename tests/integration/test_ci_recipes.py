"""The CI recipes in docs/ci: what they say is run, with the test's registry in the place of theirs."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.cache.store import Store
from debate.remote.remote import Remote
from debate.settings import Settings
from tests.conftest import ROOT
from tests.integration.checkout import CACHED, Checkout, hook, ran
from tests.integration.registry import PASSWORD, USER, Registry

RECIPES = ROOT / "docs" / "ci"


def github(job: str) -> tuple[dict[str, str], list[str]]:
    """Settings and commands of a job."""
    recipe = yaml.safe_load((RECIPES / "github.yml").read_text())
    steps = [step["run"] for step in recipe["jobs"][job]["steps"] if "run" in step]
    return recipe["env"] | recipe["jobs"][job]["env"], steps


def gitlab(job: str) -> tuple[dict[str, str], list[str]]:
    recipe = yaml.safe_load((RECIPES / "gitlab.yml").read_text())
    return recipe["variables"] | recipe[job]["variables"], recipe[job]["script"]


FORGES = {"github": github, "gitlab": gitlab}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builders' secret key, beside builders.pub."""
    made = tmp_path_factory.mktemp("keys") / "builders.key"
    words = ["minisign", "-G", "-W", "-p", made.with_suffix(".pub"), "-s", made]
    subprocess.run(words, check=True, capture_output=True)
    return made


def resolved(settings: dict[str, str], registry: Registry, key: Path) -> dict[str, str]:
    """The settings as the forge would hand them over, without the prefix, as `Checkout.doit` wants them."""
    repository = f"localhost:{registry.port}/group/project"
    values = {
        "${{ github.actor }}": USER, "${{ secrets.GITHUB_TOKEN }}": PASSWORD, "REGISTRY/OWNER": repository,
        "$CI_REGISTRY_USER": USER, "$CI_REGISTRY_PASSWORD": PASSWORD, "$ISO_CACHE": repository,
        "$CI_SERVER_FQDN": "localhost", "$BUILDERS_KEY": str(key), "/dev/shm/builders.key": str(key),  # noqa: S108
    }  # fmt: skip
    found = {"REMOTE_CA": str(registry.directory / "ca.crt")}
    for name, value in settings.items():
        for variable in sorted(values, key=len, reverse=True):
            value = value.replace(variable, values[variable])
        if name.startswith("DEBATE_"):
            assert "$" not in value
            found[name.removeprefix("DEBATE_")] = value
    return found


def run(checkout: Checkout, registry: Registry, key: Path, job: tuple[dict[str, Any], list[str]]) -> str:
    """What the job's commands say. `./setup`, which has its own test, stands for doit here."""
    said = ""
    settings = resolved(job[0], registry, key)
    for command in job[1]:
        if "BUILDERS_KEY" in command:
            copy = key if command.startswith("chmod") else key.with_name("copy")
            content = str(key) if copy is key else key.read_text().removesuffix("\n")
            environment = {"BUILDERS_KEY": content, "DEBATE_REMOTE_SIGN": str(copy)}
            subprocess.run(["sh", "-c", command], env={**os.environ, **environment}, check=True)
            assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == (key.read_text(), 0o600)
            continue
        match = re.fullmatch(r"(?:sudo --preserve-env )?\./setup ([a-z]+)", command)
        assert match, command
        said += checkout.doit(match[1], **settings)
    return said


def repository(built: Checkout, directory: Path, key: Path) -> Checkout:
    """A repository with one profile and its lock, and the builders' public key."""
    made = Checkout.make(directory)
    shutil.copy(key.with_suffix(".pub"), directory)
    for path in (made.directory / "profiles").glob("[a-z]*.yaml"):
        if path.name != "minimal.yaml":
            path.unlink()
    made.pin(built)
    return made


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = Registry.make(tmp_path_factory.mktemp("registry") / "registry")
    yield made
    made.stop()


@pytest.mark.parametrize("forge", FORGES)
def test_a_pull_request_that_adds_a_profile(
    built: Checkout, registry: Registry, key: Path, tmp_path: Path, forge: str
) -> None:
    job = FORGES[forge]
    main = repository(built, tmp_path / "main", key)
    shutil.copytree(built.cache, main.cache, copy_function=shutil.copy)
    run(main, registry, key, job("publish"))
    request = repository(built, tmp_path / "request", key)
    hook(request, f"echo {forge} > /etc/forge\n")
    request.pin_as("mine", built)
    before = registry.asked("POST")
    said = run(request, registry, key, job("check"))
    assert request.digest("minimal") == built.digest("minimal")
    assert ran(said)["sandbox"] == "remote"
    of_minimal, of_mine = ran(said, "minimal"), ran(said, "mine")
    assert all(of_minimal[step] in ("remote", "cached") for step in CACHED), said
    assert {step for step in CACHED if of_mine[step] == "built"} == {"overlay", "secrets", "iso"}
    assert registry.asked("POST") == before, "a pull request sends nothing"
    settings = {name.lower(): value for name, value in resolved(job("check")[0], registry, key).items()}
    settings["remote_keys"] = str(key.with_suffix(".pub"))
    assert "remote_sign" not in settings
    _forge(settings, main, tmp_path)


def _forge(settings: dict[str, Any], main: Checkout, directory: Path) -> None:
    """What the password of a pull request lets it write is believed by nobody, whatever its read-only mode says."""
    step = main.json("minimal", "traces/iso.json")
    said: list[str] = []

    def remote(name: str, **more: str) -> Remote:
        cache = directory / name
        return Remote(Settings(directory, cache, cache, **{**settings, **more}), Store(cache), said.append)

    evil = remote("evil", remote_mode="read-write")
    evil.send("iso", step["key"], {"iso": evil.store.put(b"evil")}, 1.0, {})
    evil.finish()
    other = remote("other")
    assert other.lookup("iso", step["key"], ("iso",)) is None
    other.finish()
    assert said[-1].endswith("the statement is not signed")


@pytest.mark.parametrize("forge", FORGES)
def test_who_signs_and_who_believes(forge: str) -> None:
    for job in ("check", "publish"):
        settings, _ = FORGES[forge](job)
        assert settings["DEBATE_REMOTE_KEYS"] == "builders.pub"
        assert ("DEBATE_REMOTE_SIGN" in settings) == (job == "publish")
