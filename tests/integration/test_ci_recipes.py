"""The CI recipes in docs/ci: what they say is run, with the test's registry in the place of theirs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.cache.store import Store
from debate.profile.lockfile import to_text
from debate.remote.remote import Remote
from debate.settings import Settings
from tests.conftest import ROOT
from tests.integration.checkout import CACHED, Checkout, hook, ran
from tests.integration.registry import PASSWORD, USER, Registry

RECIPES = ROOT / "docs" / "ci"


Job = tuple[dict[str, str], list[tuple[str, dict[str, str]]]]
"""Settings, and commands with what each has in its environment besides."""
HERE = ("minimal", "arch-minimal", "arch-rescue")
"""The profiles of the clone. More would take hours to build, and these have what this host cannot build."""


def github(job: str, name: str = "github.yml") -> Job:
    recipe = yaml.safe_load((RECIPES / name).read_text())
    steps = [(step["run"], step.get("env", {})) for step in recipe["jobs"][job]["steps"] if "run" in step]
    return recipe.get("env", {}) | recipe["jobs"][job].get("env", {}), steps


def gitlab(job: str) -> Job:
    recipe = yaml.safe_load((RECIPES / "gitlab.yml").read_text())
    return recipe["variables"] | recipe[job].get("variables", {}), [(line, {}) for line in recipe[job]["script"]]


FORGES = {"github": github, "gitlab": gitlab}
NO_ARCH = {"DEBATE_MIRROR_ARCH": ""}
"""What a machine has as a rule."""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builders' secret key, beside builders.pub."""
    made = tmp_path_factory.mktemp("keys") / "builders.key"
    words = ["minisign", "-G", "-W", "-p", made.with_suffix(".pub"), "-s", made]
    subprocess.run(words, check=True, capture_output=True)
    return made


def resolved(settings: dict[str, str], registry: Registry, key: Path) -> dict[str, str]:
    """The environment as the forge would hand it over."""
    repository = f"localhost:{registry.port}/group/project"
    values = {
        "${{ github.actor }}": USER, "${{ secrets.GITHUB_TOKEN }}": PASSWORD, "REGISTRY/OWNER": repository,
        "$CI_REGISTRY_USER": USER, "$CI_REGISTRY_PASSWORD": PASSWORD, "$ISO_CACHE": repository,
        "${{ secrets.BUILDERS_KEY }}": key.read_text().removesuffix("\n"), "${{ github.token }}": PASSWORD,
        "$CI_SERVER_FQDN": "localhost", "$BUILDERS_KEY": str(key), "/dev/shm/builders.key": str(key.with_name("copy")),  # noqa: S108
        "$CI_REGISTRY_IMAGE": repository,
    }  # fmt: skip
    found = {}
    for name, value in settings.items():
        for variable in sorted(values, key=len, reverse=True):
            value = value.replace(variable, values[variable])
        assert "$" not in value
        found[name] = value
    return found


SUDO = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
exec "$@"
"""
"""The tests are root, and not every machine has sudo."""


def run(clone: Checkout, registry: Registry, key: Path, job: Job, **more: str) -> str:
    """What the job's commands say, which run as they are written, one after the other."""
    said, programs = "", clone.directory.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "sudo").write_text(SUDO)
    (programs / "sudo").chmod(0o755)
    settings, commands = job
    base = {**clone.environment(REMOTE_CA=str(registry.directory / "ca.crt")), **more}
    base["PATH"] = f"{programs}:{os.environ['PATH']}"
    for command, own in commands:
        secrets = {} if own or "sign" not in str(settings).lower() else {"BUILDERS_KEY": str(key)}
        environment = {**base, **resolved(settings, registry, key), **secrets, **resolved(own, registry, key)}
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command], cwd=clone.directory, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said += done.stdout
        assert done.returncode == 0, f"{command}\n{said}"
        assert "Traceback" not in said, said
    if key.with_name("copy").exists():
        assert key.with_name("copy").read_text() == key.read_text()
        assert stat.S_IMODE(key.with_name("copy").stat().st_mode) == 0o600
    return said


def git(directory: Path, *words: str) -> str:
    argv = ["git", "-c", "user.name=tests", "-c", "user.email=tests@debate.invalid", *words]
    return subprocess.run(argv, cwd=directory, check=True, capture_output=True, text=True).stdout


def repository(built: Checkout, directory: Path, key: Path) -> Checkout:
    """A clean clone with one profile and its lock, others that this host cannot build, and the builders' public key.

    Its virtual environment is the one of these tests: `./setup` has a test of its own.
    """
    git(ROOT, "clone", "-q", str(ROOT), str(directory))
    made = Checkout(directory, directory / "cache")
    for path in (directory / "profiles").glob("[a-z]*.yaml"):
        if path.stem not in HERE:
            path.unlink()
    shutil.copy(key.with_suffix(".pub"), directory)
    made.pin(built)
    commit(made)
    stamp = "cat pyproject.toml .ci/requirements.txt | cksum | cut -d' ' -f1"
    known = subprocess.run(["sh", "-c", stamp], cwd=directory, check=True, capture_output=True, text=True).stdout
    programs = directory / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs.parent / f".debate-{known.strip()}").touch()
    for name in ("doit", "python"):
        (programs / name).write_text(f'#!/bin/sh\nexec {Path(sys.executable).with_name(name)} "$@"\n')
        (programs / name).chmod(0o755)
    return made


def commit(clone: Checkout) -> None:
    git(clone.directory, "add", "--all")
    git(clone.directory, "commit", "-q", "-m", "Add a profile")


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
    shutil.copytree(built.cache, main.cache, copy_function=shutil.copy, dirs_exist_ok=True)
    run(main, registry, key, job("validate"))
    said = run(main, registry, key, job("publish"), **NO_ARCH)
    for name in HERE[1:]:
        why = "left out, since this host cannot build it: no Arch mirror is known; set DEBATE_MIRROR_ARCH"
        assert said.count(f"profiles/{name}.yaml: {why}") == 2, "a line each, for build and for push"
    assert not git(main.directory, "status", "--porcelain"), "a build leaves nothing for git"
    request = repository(built, tmp_path / "request", key)
    hook(request, f"echo {forge} > /etc/forge\n")
    request.pin_as("mine", built)
    commit(request)
    before = registry.asked("POST")
    run(request, registry, key, job("validate"))
    said = run(request, registry, key, job("check"), **NO_ARCH)
    assert request.digest("minimal") == built.digest("minimal")
    assert ran(said)["sandbox"] == "remote"
    of_minimal, of_mine = ran(said, "minimal"), ran(said, "mine")
    assert all(of_minimal[step] in ("remote", "cached") for step in CACHED), said
    assert {step for step in CACHED if of_mine[step] == "built"} == {"overlay", "secrets", "iso"}
    assert registry.asked("POST") == before, "a pull request sends nothing"
    settings = {
        name.removeprefix("DEBATE_").lower(): value
        for name, value in resolved(job("check")[0], registry, key).items()
        if name.startswith("DEBATE_")
    }
    settings["remote_ca"] = str(registry.directory / "ca.crt")
    settings["remote_keys"] = str(key.with_suffix(".pub"))
    assert "remote_sign" not in settings
    _forge(settings, main, tmp_path)


def test_the_locks_of_a_week(built: Checkout, registry: Registry, key: Path, tmp_path: Path) -> None:
    """What changed is pushed, and told in the pull request; without a change there is none."""
    clone = repository(built, tmp_path / "clone", key)
    git(tmp_path, "init", "-q", "--bare", "forge")
    git(clone.directory, "remote", "set-url", "origin", str(tmp_path / "forge"))
    (tmp_path / "programs").mkdir()
    gh = tmp_path / "programs" / "gh"
    gh.write_text('#!/bin/sh\necho "$*" >> "$RUNNER_TEMP/asked"\n')
    gh.chmod(0o755)
    runner = tmp_path / "runner"
    runner.mkdir()
    job = github("refresh", "github-locks.yml")
    more = {**NO_ARCH, "RUNNER_TEMP": str(runner), "DEBATE_CACHE": str(built.cache)}
    path = clone.directory / "profiles" / "minimal.lock.json"
    lock = json.loads(path.read_text())
    first = lock["packages"][0]
    first["version"] = "0"
    path.write_text(to_text(lock))
    commit(clone)
    run(clone, registry, key, job, **more)
    asked = (runner / "asked").read_text().splitlines()
    assert asked[0].startswith("pr list --head locks ")
    assert asked[1].startswith("pr create --head locks --title Refresh the locks --body-file ")
    body = (runner / "body").read_text()
    assert re.search(rf"^~ {re.escape(first['name'])} 0 -> \S+$", body, re.MULTILINE)
    assert re.search(r"^lock:minimal .* 1 changed", body, re.MULTILINE)
    assert git(tmp_path / "forge", "diff", "--stat", "locks~", "locks").count("|") == 1
    (runner / "asked").unlink()
    run(clone, registry, key, job, **more)
    assert not (runner / "asked").exists()


def test_the_action(built: Checkout, registry: Registry, key: Path, tmp_path: Path) -> None:
    """In a workspace that is no checkout of debate. Its summary and its output name the ISO."""
    source = repository(built, tmp_path / "source", key)
    place = tmp_path / "workspace"
    made = Checkout(place, built.cache)
    (place / "profiles").mkdir(parents=True)
    made.profile("mine", "extends: debate/minimal\n")
    made.pin_as("mine", built)
    steps = [(step["run"], {}) for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]]
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in files.values():
        path.touch()
    more = {
        **{name: str(path) for name, path in files.items()},
        "GITHUB_ACTION_PATH": str(source.directory), "RUNNER_TEMP": str(tmp_path / "runner"), "GITHUB_ACTIONS": "true",
    }  # fmt: skip
    said = run(made, registry, key, ({}, steps), RUN="validate --format github", **more)
    assert "1 profile: all valid\n" in said
    run(made, registry, key, ({}, steps), RUN="build", **more)
    iso = made.iso("mine")
    assert files["GITHUB_OUTPUT"].read_text().endswith(f"images<<END-OF-IMAGES\n{iso}\nEND-OF-IMAGES\n")
    assert made.digest("mine").removeprefix("sha256:") in files["GITHUB_STEP_SUMMARY"].read_text()


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
