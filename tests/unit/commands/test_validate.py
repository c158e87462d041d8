"""`doit validate`: problems as values, and what people read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from debate import managers
from debate.commands.command import Context
from debate.commands.logic import validate as logic
from debate.commands.profiles import run as profiles
from debate.commands.validate import run as validate
from debate.errors import DebateError, Place, Problem
from debate.profile.load import load
from debate.settings import Settings
from debate.steps import config, lock
from tests.bounded import bounded
from tests.conftest import PROFILES
from tests.unit import damage
from tests.unit.commands.conftest import context_of


def test_validate(context: Context) -> None:
    answer = validate(context, [])
    assert (answer.text, answer.good, answer.problems) == ("6 profiles: all valid\n", True, ())
    (context.settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\nhostname: a b\n")
    answer = validate(context, [])
    assert not answer.good
    assert "profiles/bad.yaml:2:1: unknown field 'pkgs'" in answer.text
    assert "profiles/bad.yaml:3:11: " in answer.text
    assert answer.text.endswith("7 profiles: 1 invalid, 2 problems\n")
    assert validate(context, ["minimal"]).good


def test_problems_are_values(context: Context) -> None:
    (context.settings.profiles / "bad.yaml").write_text("version: 1\npkgs: [vim]\n")
    answer = validate(context, ["bad", "minimal"])
    (problem,) = answer.problems
    assert problem.place == Place("profiles/bad.yaml", 2, 1)
    assert problem.fact.startswith("unknown field 'pkgs'")
    assert answer.text.splitlines()[:-1] == [str(problem)]
    assert answer.data == ({"profile": "bad", "problems": 1}, {"profile": "minimal", "problems": 0})


def test_what_several_profiles_extend_is_wrong_once(context: Context) -> None:
    directory = context.settings.profiles
    (directory / "_shared.yaml").write_text("version: 1\npkgs: []\n")
    for name in ("one", "two"):
        (directory / f"{name}.yaml").write_text("version: 1\nextends: [minimal, _shared]\n")
    answer = validate(context, ["one", "two"])
    assert [problem.place for problem in answer.problems] == [Place("profiles/_shared.yaml", 2, 1)]
    assert answer.text.endswith("2 profiles: 2 invalid, 1 problem\n")


def test_a_problem_without_a_place_is_the_profiles(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DebateError("odd: 1:2:3; so", "do something; else")

    monkeypatch.setattr(config, "normalise", fail)
    expected = Problem(Place("profiles/minimal.yaml", 1, 1), "odd: 1:2:3; so", "do something; else")
    assert validate(context, ["minimal"]).problems == (expected,)


def test_validate_refuses(context: Context) -> None:
    with pytest.raises(DebateError, match="there is no profile 'minimul'; did you mean 'minimal'"):
        validate(context, ["minimul"])
    with pytest.raises(DebateError, match=r"^validate: _common can only be extended, not built; "):
        validate(context, ["_common"])


@pytest.mark.parametrize(
    ("file", "fact", "remedy"),
    [
        ("x.yml", "is not read, since a profile's file name ends in .yaml", "rename it to x.yaml"),
        ("x.YAML", "is not read, since a profile's file name ends in .yaml", "rename it to x.yaml"),
        ("_x.Yml", "is not read, since a profile's file name ends in .yaml", "rename it to _x.yaml"),
        ("x.lock.json", "is the lock of no profile to build", "rename it as its profile, or remove it"),
        ("_common.lock.json", "is the lock of no profile to build", "rename it as its profile, or remove it"),
    ],
)
def test_a_file_that_nobody_reads(context: Context, file: str, fact: str, remedy: str) -> None:
    (context.settings.profiles / file).write_text("version: 1\n")
    problem = Problem(Place(f"profiles/{file}", 1, 1), fact, remedy)
    assert validate(context, []).problems == (problem,)
    assert f"  {file}: {fact}; {remedy}\n" in profiles(context, []).text


def test_what_is_no_profile(context: Context) -> None:
    for file in (".x.yml.swp", ".x.yml", "README.md", "x.yaml~"):
        (context.settings.profiles / file).write_text("")
    assert validate(context, []).problems == ()


def test_a_profile_whose_file_has_another_suffix(context: Context) -> None:
    (context.settings.profiles / "web.yml").write_text("version: 1\n")
    (context.settings.profiles / "x.yaml").write_text("version: 1\nextends: [web]\n")
    with pytest.raises(DebateError, match=r"^validate: there is no profile 'web'; rename web.yml to web.yaml$"):
        validate(context, ["web"])
    (problem,) = validate(context, ["x"]).problems
    assert (problem.fact, problem.remedy) == ("there is no profile 'web'", "rename web.yml to web.yaml")


def slice_of(directory: Path, name: str) -> lock.Slice:
    return config.normalise(load(directory, name), directory).slice(lock.Slice)


def commit(directory: Path, name: str, below: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Commit a lock that fits the profile. Returns it."""
    wanted = slice_of(directory, name)
    had = {package["name"] for package in below}

    def package(word: str) -> dict[str, Any]:
        digits = hashlib.sha256(f"{name} {word}".encode()).hexdigest()
        return {"name": word, "version": "1", "architecture": "amd64", "repository": "debian",
                "path": f"pool/{word}.deb", "sha256": digits, "size": 1}  # fmt: skip

    made = {
        "format": 1,
        "request": lock._request(wanted),
        "distribution": "debian",
        "release": wanted.release,
        "architecture": wanted.architecture,
        "packages": [*below, *(package(word) for word in wanted.packages if word not in had)],
        "unpacked": [package(word) for word in wanted.unpacked],
    }
    (directory / f"{name}.lock.json").write_text(json.dumps(made, indent=1))
    return made


Change = Callable[[dict[str, Any]], object]
UNFIT: dict[str, tuple[Change, str, str]] = {
    "distribution": (lambda x: x.update(distribution="arch"), "distribution", "field 'distribution' is 'arch', and"),
    "release": (lambda x: x.update(release="sid"), "release", "field 'release' is 'sid', and the profile's is"),
    "architecture": (lambda x: x.update(architecture="arm64"), "architecture", "field 'architecture' is 'arm64'"),
    "a path": (lambda x: x.update(architecture="x/../../y"), "architecture", "the lock: field 'architecture' is"),
    "a digest": (lambda x: x["packages"][0].update(sha256="00"), "sha256", "package 'busybox': field 'sha256' is '00'"),
    "a path that leads out": (lambda x: x["packages"][0].update(path="../x"), "path", "package 'busybox': field"),
    "a size": (lambda x: x["packages"][0].update(size=10**15), "size", "package 'busybox': field 'size' is"),
    "a repository": (lambda x: x["packages"][0].update(repository="x"), "repository", "package 'busybox': field 're"),
    "another machine": (lambda x: x["packages"][0].update(architecture="arm64"), "architecture", "package 'busybox'"),
    "a request": (lambda x: x.update(request="sha256:" + "0" * 64), "", "the lock file does not match the package"),
    "a package less": (lambda x: x["packages"].pop(0), "packages", "busybox is asked for, and the lock has none"),
    "a package less to unpack": (lambda x: x["unpacked"].pop(0), "packages", "grub-efi-amd64-signed is needed for Se"),
    "another one to unpack": (
        lambda x: x["unpacked"].append({**x["packages"][0], "name": "evil"}), "name", "package 'evil': nothing of it",
    ),
    "two of a name to unpack": (
        lambda x: x["unpacked"].append({**x["unpacked"][0], "architecture": "all", "sha256": "0" * 64}), "name",
        "package 'grub-efi-amd64-signed': nothing of it is unpacked",
    ),
    "a path of what is unpacked": (lambda x: x["unpacked"][0].update(path="../x"), "path", "package 'grub-efi-amd64-"),
    "a repository of what is unpacked": (
        lambda x: x["unpacked"][0].update(repository="x"), "repository", "package 'grub-efi-amd64-signed': field 'repo",
    ),
    "a field more": (lambda x: x.update(more=1), "more", "the lock has an unknown field 'more'"),
    "indexes": (lambda x: x.update(indexes={"digest": "x", "size": 1}), "digest", "'indexes': field 'digest' is 'x'"),
    "archives": (
        lambda x: x.update(archives=[{"archive": "debian", "suite": "x", "date": "2026-01-01T00:00:00Z"}]), "",
        "made without debian trixie, of which the release consists",
    ),
}  # fmt: skip
"""What is changed in a lock, the field at whose line that is told, and the start of what is told."""


@pytest.mark.parametrize("kind", UNFIT)
def test_a_committed_lock_that_does_not_fit(context: Context, kind: str) -> None:
    directory = context.settings.profiles
    made = commit(directory, "minimal")
    assert validate(context, []).good
    change, field, fact = UNFIT[kind]
    change(made)
    text = json.dumps(made, indent=1)
    path = directory / "minimal.lock.json"
    path.write_text(text)
    (problem,) = validate(context, ["minimal"]).problems
    assert (problem.fact[: len(fact)], problem.place.file if problem.place else "") == (
        fact,
        "profiles/minimal.lock.json",
    )
    line = problem.place.line if problem.place else 0
    assert f'"{field}":' in text.splitlines()[line - 1] if field else not line
    assert ("doit lock:minimal" in problem.remedy) or "restore it from git" in problem.remedy
    assert not validate(context, []).good
    refreshed = context_of(replace(context.settings, lock="refresh"))
    assert validate(refreshed, ["minimal"]).good == ("doit lock" in problem.remedy), "then a build makes it again"


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
def test_a_committed_lock_that_is_none(context: Context, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(context.settings.profiles)
    path = context.settings.profiles / "minimal.lock.json"
    if kind in damage.PLACES:
        damage.put(path, kind)
    else:
        path.write_bytes(damage.CONTENTS[kind])
    with bounded():
        answer = validate(context, ["minimal"])
    assert answer.good == (kind == "nothing")
    assert [problem.place.file for problem in answer.problems if problem.place] == ([path.name] * (kind != "nothing"))


def test_a_committed_lock_without_the_date_that_the_profile_wants(context: Context) -> None:
    directory = context.settings.profiles
    (directory / "mine.yaml").write_text("version: 1\nextends: minimal\nimage:\n  epoch: lock\n")
    made = commit(directory, "mine")
    (problem,) = validate(context, ["mine"]).problems
    assert str(problem).startswith("profiles/mine.yaml:4:10: image.epoch: its lock names no archive, and so no date")
    suites = [
        dict(zip(("archive", "suite"), suite, strict=True))
        for suite in managers.get("debian").suites(slice_of(directory, "mine"))
    ]
    dated = {**made, "archives": [{**suite, "date": "2026-01-01T00:00:00Z"} for suite in suites]}
    (directory / "mine.lock.json").write_text(json.dumps(dated))
    assert validate(context, ["mine"]).good


def test_a_committed_lock_on_a_base(context: Context) -> None:
    """Of a base without a committed lock nobody knows the packages, only where they may come from."""
    directory = context.settings.profiles
    (directory / "below.yaml").write_text("version: 1\nextends: minimal\n")
    (directory / "above.yaml").write_text("version: 1\nextends: below\nbase: below\npackages: [vim]\n")
    made = commit(directory, "above")
    (loose,) = validate(context, ["above"]).problems
    assert loose.place == Place("profiles/above.yaml", 3, 7)
    path = directory / "above.lock.json"
    strange = {**made, "packages": [*made["packages"], {**made["packages"][0], "name": "x", "repository": "x",
                                                        "sha256": "1" * 64}]}  # fmt: skip
    path.write_text(json.dumps(strange))
    problem, also = validate(context, ["above"]).problems
    assert also == loose
    assert problem.fact == "package 'x': field 'repository' is 'x': the profile has no repository 'x'"
    below = commit(directory, "below")
    path.write_text(json.dumps(made))
    (problem,) = validate(context, ["above"]).problems
    assert problem.fact == "the lock file does not match the base's lock file"
    commit(directory, "above", below["packages"])
    assert validate(context, []).good
    (directory / "below.lock.json").write_text("[]")
    (problem,) = validate(context, ["above"]).problems
    assert problem.place == Place("profiles/below.lock.json", 1)


# What is kept --------------------------------------------------------------------------------------


KEY = (PROFILES / "keys" / "extra.asc").read_text()


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """There nothing is kept."""
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The profiles that were read, and not only found to be as they were."""
    names: list[str] = []
    check = logic._problems

    def noting(settings: Settings, name: str) -> list[Problem]:
        names.append(name)
        return check(settings, name)

    monkeypatch.setattr(logic, "_problems", noting)
    return names


def family(directory: Path) -> None:
    """Profiles that read whatever a profile can: `web` all of it, `top` by way of its base, `plain` its own file."""
    for path in directory.glob("*.yaml"):
        path.unlink()
    files = {
        "_far.yaml": "version: 1\npackages: [vim]\n",
        "_near.yaml": "version: 1\nextends: _far\nhooks: [hooks/near.sh]\n"
                      "repositories: [{name: x, url: 'https://a.example', suites: [x], key: keys/other.asc}]\n",
        "web.yaml": "version: 1\nextends: _near\nhooks: [hooks/own.sh]\ninitrd: {hooks: [hooks/i.sh]}\n"
                    "overlays: [{source: site, target: /opt}]\n"
                    "repositories: [{name: x, url: 'https://x.example', suites: [x], key: keys/x.asc}]\n",
        "top.yaml": "version: 1\nbase: web\n",
        "plain.yaml": "version: 1\n",
        "hooks/near.sh": "#!/bin/sh\ntrue\n", "hooks/own.sh": "#!/bin/sh\ntrue\n", "hooks/i.sh": "#!/bin/sh\ntrue\n",
        "keys/x.asc": KEY, "keys/other.asc": KEY,
        "site/etc/motd": "Hello.\n",
    }  # fmt: skip
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (directory / "site/etc/link").symlink_to("motd")


def edited(name: str) -> Callable[[Path], object]:
    """Changes a file and neither its size nor its time."""

    def change(directory: Path) -> None:
        path = directory / name
        found, content = path.stat(), path.read_bytes()
        path.write_bytes(content[:-1] + b" ")
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    return change


def linked(directory: Path) -> None:
    (directory / "site/etc/link").unlink()
    (directory / "site/etc/link").symlink_to("other")


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "nothing": (lambda _: None, set()),
    "another file": (lambda x: (x / "README.md").write_text("x"), set()),
    "another profile": (lambda x: (x / "new.yaml").write_text("version: 1\n"), {"new"}),
    "its own file": (edited("plain.yaml"), {"plain"}),
    "the file of a base": (edited("web.yaml"), {"web", "top"}),
    "what it extends": (edited("_near.yaml"), {"web", "top"}),
    "what that extends": (edited("_far.yaml"), {"web", "top"}),
    "a hook": (edited("hooks/own.sh"), {"web"}),
    "a hook of what it extends": (edited("hooks/near.sh"), {"web"}),
    "a hook of the initramfs": (edited("hooks/i.sh"), {"web"}),
    "a hook that is gone": (lambda x: (x / "hooks/near.sh").unlink(), {"web", "top"}),
    "a key": (edited("keys/x.asc"), {"web"}),
    "a key that another replaces": (lambda x: (x / "keys/other.asc").unlink(), {"web", "top"}),
    "a file of an overlay": (edited("site/etc/motd"), {"web"}),
    "a mode in an overlay": (lambda x: (x / "site/etc/motd").chmod(0o755), {"web"}),
    "a link in an overlay": (linked, {"web"}),
    "a new file in an overlay": (lambda x: (x / "site/new").touch(), {"web"}),
    "an overlay that is gone": (lambda x: (x / "site").rename(x / "elsewhere"), {"web", "top"}),
    "a lock": (lambda x: (x / "plain.lock.json").write_text("{}"), {"plain"}),
    "a profile that is gone": (lambda x: (x / "plain.yaml").unlink(), set()),
}  # fmt: skip
"""A change, and the profiles that have to be read again."""


@pytest.mark.parametrize("kind", CHANGES)
def test_what_did_not_change_is_not_read_again(context: Context, checked: list[str], kind: str) -> None:
    directory = context.settings.profiles
    family(directory)
    assert validate(context, []).text == "3 profiles: all valid\n"
    assert sorted(checked) == ["plain", "top", "web"]
    checked.clear()
    change, expected = CHANGES[kind]
    change(directory)
    again = validate(context, [])
    assert expected <= {*checked} <= expected | {"top"}
    (context.settings.output / logic.KEPT).unlink()
    assert validate(context, []) == again
    checked.clear()
    validate(context, [])
    assert {*checked} == {str(fields["profile"]) for fields in again.data if fields["problems"]} - {"elsewhere"}


def test_a_base_that_comes_later(context: Context) -> None:
    """Of what is above, too, it decides what is right."""
    directory = context.settings.profiles
    family(directory)
    (directory / "web.yaml").write_text("version: 1\nbase: x\n")
    validate(context, [])
    (directory / "x.yaml").write_text("version: 1\nbase: top\n")
    again = validate(context, [])
    assert {fields["profile"] for fields in again.data if fields["problems"]} == {"top", "web", "x"}
    (context.settings.output / logic.KEPT).unlink()
    assert validate(context, []) == again


def test_ci_believes_no_record(context: Context, checked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit can bring one that has the right key for a wrong profile."""
    family(context.settings.profiles)
    path = context.settings.output / logic.KEPT
    with monkeypatch.context() as patch:
        patch.setattr(logic, "_problems", lambda *_: [])
        (context.settings.profiles / "plain.yaml").write_text("version: 1\npkgs: [vim]\n")
        assert validate(context, []).good
    forged = path.read_bytes()
    assert validate(context, []).good
    assert checked == []
    monkeypatch.setenv("CI", "true")
    assert not validate(context, []).good
    assert sorted(checked) == ["plain", "top", "web"]
    assert path.read_bytes() == forged


def test_settings_and_code_count(context: Context, checked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    family(context.settings.profiles)
    for context_ in (context, context_of(replace(context.settings, lock="refresh"))):
        validate(context_, [])
        assert len(checked) == 3
        checked.clear()
    monkeypatch.setattr(logic, "stamp", lambda *_: "another")
    validate(context, [])
    assert len(checked) == 3


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
def test_what_is_kept_heals(context: Context, checked: list[str], kind: str) -> None:
    family(context.settings.profiles)
    validate(context, [])
    path = context.settings.output / logic.KEPT
    whole = path.read_bytes()
    if kind in damage.PLACES:
        damage.put(path, kind)
    else:
        path.write_bytes(damage.CONTENTS[kind])
    checked.clear()
    with bounded():
        assert validate(context, []).good
    assert (len(checked), path.read_bytes()) == (3, whole)


def test_no_damage_makes_a_wrong_profile_right(context: Context) -> None:
    """Whatever is lost, written twice or changed: of each look, key and bracket."""
    family(context.settings.profiles)
    validate(context, [])
    path = context.settings.output / logic.KEPT
    kept = path.read_text()
    (context.settings.profiles / "_far.yaml").write_text("version: 1\npkgs: [vim]\n")
    wrong = validate(context, [])
    assert not wrong.good
    words = re.findall(r'"[^"]*"|[\[\]{}:,]', kept)
    for number in range(len(words)):
        for part in ([], [words[number]] * 2, [words[number].replace("_far", "_near")]):
            path.write_text("".join([*words[:number], *part, *words[number + 1 :]]))
            assert validate(context, []) == wrong


def test_many_are_checked_by_several_processes(
    context: Context, checked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = context.settings.profiles
    family(directory)
    for number in range(6):
        (directory / f"bad{number}.yaml").write_text("version: 1\npkgs: [vim]\nextends: _near\n")
    alone = validate(context, [])
    path = context.settings.output / logic.KEPT
    kept = json.loads(path.read_bytes())
    monkeypatch.setattr(logic, "_SHARE", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    path.unlink()
    checked.clear()
    assert validate(context, []) == alone
    assert len(checked) == 3, "a third of them in this process"
    assert json.loads(path.read_bytes()) == kept
    path.unlink()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert validate(context, []) == alone, "what becomes of a process that was killed"


def test_who_may_not_write_checks_everything(context: Context, checked: list[str]) -> None:
    family(context.settings.profiles)
    context.settings.output.write_text("")
    for _ in range(2):
        assert validate(context, []).good
        assert len(checked) == 3
        checked.clear()
