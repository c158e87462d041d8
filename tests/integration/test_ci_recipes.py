"""The CI recipes in docs/ci: what they say is run, with the test's registry in the place of theirs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def resolved(settings: dict[str, str], registry: Registry) -> dict[str, str]:
    """The settings as the forge would hand them over, without the prefix, as `Checkout.doit` wants them."""
    repository = f"localhost:{registry.port}/group/project"
    values = {
        "${{ github.actor }}": USER, "${{ secrets.GITHUB_TOKEN }}": PASSWORD, "REGISTRY/OWNER": repository,
        "$CI_REGISTRY_USER": USER, "$CI_REGISTRY_PASSWORD": PASSWORD, "$ISO_CACHE": repository,
    }  # fmt: skip
    found = {"REMOTE_CA": str(registry.directory / "ca.crt")}
    for name, value in settings.items():
        for variable in sorted(values, key=len, reverse=True):
            value = value.replace(variable, values[variable])
        if name.startswith("DEBATE_"):
            assert "$" not in value
            found[name.removeprefix("DEBATE_")] = value
    return found


def run(checkout: Checkout, registry: Registry, job: tuple[dict[str, Any], list[str]]) -> str:
    """What the job's commands say. `./setup`, which has its own test, stands for doit here."""
    said = ""
    for command in job[1]:
        match = re.fullmatch(r"(?:sudo --preserve-env )?\./setup ([a-z]+)", command)
        assert match, command
        said += checkout.doit(match[1], **resolved(job[0], registry))
    return said


def repository(built: Checkout, directory: Path) -> Checkout:
    """A repository with one profile and its lock."""
    made = Checkout.make(directory)
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
def test_a_pull_request_that_adds_a_profile(built: Checkout, registry: Registry, tmp_path: Path, forge: str) -> None:
    job = FORGES[forge]
    main = repository(built, tmp_path / "main")
    shutil.copytree(built.cache, main.cache, copy_function=shutil.copy)
    run(main, registry, job("publish"))
    request = repository(built, tmp_path / "request")
    hook(request, f"echo {forge} > /etc/forge\n")
    request.pin_as("mine", built)
    before = registry.asked("POST")
    said = run(request, registry, job("check"))
    assert request.digest("minimal") == built.digest("minimal")
    assert ran(said)["sandbox"] == "remote"
    of_minimal, of_mine = ran(said, "minimal"), ran(said, "mine")
    assert all(of_minimal[step] in ("remote", "cached") for step in CACHED), said
    assert {step for step in CACHED if of_mine[step] == "built"} == {"boot", "overlay", "iso"}
    assert registry.asked("POST") == before, "a pull request sends nothing"
