"""`doit diff`: two profiles, and one at two revisions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from debate.commands.diff import diff
from debate.errors import DebateError
from debate.profile.schema import schema
from debate.settings import Settings
from tests.conftest import ROOT
from tests.unit.profile import values


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    return Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build")


def lock(settings: Settings, name: str, **packages: str) -> None:
    found = [
        {"name": package, "version": version, "architecture": "amd64", "repository": "debian",
         "path": f"pool/{package}", "size": 1, "sha256": "0" * 64}
        for package, version in packages.items()
    ]  # fmt: skip
    fields = {"format": 1, "request": "x", "distribution": "debian", "release": "trixie", "architecture": "amd64"}
    (settings.profiles / f"{name}.lock.json").write_text(json.dumps({**fields, "packages": found}))


def test_two_profiles(settings: Settings) -> None:
    said = diff(settings, ["minimal", "kiosk"]).splitlines()
    assert "  ~ hostname: minimal -> kiosk" in said
    assert "  + packages: dillo" in said
    assert any(line.startswith("  - users.root: ") for line in said)
    assert any(line.startswith("  + users.kiosk: ") for line in said)
    assert said[-1] == "packages: not known without a lock of both: commit one, or build"


def test_a_field_of_a_user(settings: Settings) -> None:
    (settings.profiles / "other.yaml").write_text(
        "version: 1\nextends: minimal\nusers: [{name: root, shell: /bin/sh}]\n"
    )
    assert "  ~ users.root.shell: /bin/bash -> /bin/sh\n" in diff(settings, ["minimal", "other"])


def test_packages_of_both_locks(settings: Settings) -> None:
    lock(settings, "minimal", bash="5.2", curl="1")
    lock(settings, "kiosk", bash="5.3", vim="9")
    said = diff(settings, ["minimal", "kiosk"])
    assert "packages:\n  ~ bash 5.2 -> 5.3\n  - curl 1\n  + vim 9\n" in said


def test_the_same(settings: Settings) -> None:
    assert diff(settings, ["minimal", "minimal"]).startswith("config: the same\n")


def test_two_revisions(settings: Settings) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example"]
        subprocess.run(["git", *identity, *words], cwd=settings.root, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    lock(settings, "minimal", bash="5.2")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    path = settings.profiles / "minimal.yaml"
    path.write_text(path.read_text().replace("hostname: minimal", "hostname: other") + "packages: [vim]\n")
    lock(settings, "minimal", bash="5.3")
    said = diff(settings, ["minimal@HEAD", "minimal"])
    assert said == (
        "config:\n  + packages: vim\n  ~ hostname: minimal -> other\npackages:\n  ~ bash 5.2 -> 5.3\n"
    )  # fmt: skip
    assert diff(settings, ["minimal@HEAD", "minimal@main"]).startswith("config: the same")
    overlay = settings.profiles / "overlays/kiosk/srv/kiosk"
    (overlay / "new").write_text("new\n")
    assert "files that they name differ" in diff(settings, ["kiosk@HEAD", "kiosk"])
    with pytest.raises(DebateError, match=r"nowhere: .*; name a commit, branch or tag"):
        diff(settings, ["minimal@nowhere", "minimal"])


LISTS = {name: found for name, found in values.FIELDS.items() if "items" in found[1] and name != "extends"}


def entries(field: dict[str, Any]) -> list[Any]:
    """Two entries of a list."""
    if "x-key" not in field:
        return [value[0] for value in values.three(field)[:2]]
    items, key = field["items"]["properties"], field["x-key"]
    required = {name: items[name]["examples"][0] for name in field["items"]["required"]}
    return [{**required, key: value} for value in values.three(items[key])[:2]]


@pytest.mark.parametrize("name", LISTS)
def test_another_order(settings: Settings, name: str) -> None:
    """Either the order of a list means nothing, and nothing is said, or it is said."""
    path, field = LISTS[name]
    two = entries(field)
    for profile, value in (("one", two), ("two", two[::-1])):
        fields = values.placed(path, value, schema())
        fields["image"] = {"label": "SAME", **fields.get("image", {})}
        values.write(settings.profiles, **{profile: fields})
    said = diff(settings, ["one", "two"])
    if field.get("x-set"):
        assert said.startswith("config: the same\npackages: "), "it is a set to normalising as well"
    else:
        assert f"config:\n  ~ {name}: another order\n" in said
    assert "files that they name differ" not in said


def test_another_order_of_what_is_extended(settings: Settings) -> None:
    arguments = {number: {"boot": {"arguments": [f"a={number}"]}} for number in (1, 2)}
    common = {"image": {"label": "SAME"}}
    values.write(settings.profiles, _a=arguments[1], _b=arguments[2],
                 one={"extends": ["_a", "_b"], **common}, two={"extends": ["_b", "_a"], **common})  # fmt: skip
    assert diff(settings, ["one", "two"]).startswith("config:\n  ~ boot.arguments: another order\n")


def test_size_of_two_builds(settings: Settings) -> None:
    from debate.profile.load import load
    from debate.steps import config

    for name, size in (("minimal", 1_000_000), ("kiosk", 3_500_000)):
        made = config.normalise(load(settings.profiles, name), settings.profiles)
        output = settings.output / name
        output.mkdir(parents=True)
        (output / "hash.json").write_text(json.dumps({"config": made.hash}))
        (output / "manifest.json").write_text(json.dumps({"config": made.hash, "iso": {"size": size}}))
    assert "size: 1.0 MB -> 3.5 MB (+2,500,000 bytes)" in diff(settings, ["minimal", "kiosk"])


@pytest.mark.parametrize(
    ("words", "message"),
    [(["minimal"], "name two"), (["minimal", "kiosc"], "there is no profile 'kiosc' there; did you mean 'kiosk'"),
     (["minimal@--output=x", "minimal"], "is no revision")],
)  # fmt: skip
def test_what_is_refused(settings: Settings, words: list[str], message: str) -> None:
    with pytest.raises(DebateError, match=message):
        diff(settings, words)
