"""What a rule reads; complaints of a step are told at their places in the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debate.artifact import Artifact
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.errors import Complaint, DebateError, StepError
from debate.profile.load import load
from debate.settings import Settings
from debate.steps.rule import Rule
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild, _place, layers_of
from tests.conftest import write_files

DIGEST = f"sha256:{'1' * 64}"
HOOKS = {"hooks/one.sh": "true", "other.sh": "true"}
TEXT = """\
version: 1
description: x
hooks: [hooks/one.sh, hooks/one.sh, other.sh]
users:
  - name: live
    groups: [adm, sodu]
    shell: /bin/zsh
locale: de_DD.UTF-8
services: {enable: [ssh], mask: [x.service]}
initrd: {hooks: [hooks/one.sh, other.sh]}
"""


def places(profiles: Path, *complaints: Complaint) -> list[str]:
    """The problems of a step that fails with ``complaints``."""
    settings = Settings(root=profiles.parent, cache=profiles.parent / "cache", output=profiles.parent / "build")
    work = ProfileBuild(settings, "x", Builder(settings, Store(settings.cache))).work("overlay")
    with pytest.raises(StepError) as caught, work.places():
        raise StepError("", complaints=complaints)
    return list(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("users", "sodu", "6:19: "),
        ("users", "live", "5:11: "),
        ("users", "elsewhere", "5:3: "),
        ("users", "", "5:3: "),
        ("hooks", "2", "3:23: "),
        ("hooks", "4", "3:8: "),
        ("hooks", "0", "3:8: "),
        ("hooks", "1:99999999", "3:8: "),
        ("initrd.hooks", "other", "10:32: "),
        ("initrd.hooks", "elsewhere", "10:17: "),
        ("locale", "de_DD.UTF-8", "8:9: "),
        ("services", "ssh.service", "9:21: "),
        ("services", "x.service", "9:34: "),
        ("timezone", "Europe/Berlim", " "),
        ("version", "/etc", "1:10: "),
    ],
)
def test_where_a_value_is(profiles: Path, field: str, value: str, place: str) -> None:
    write_files(profiles, {"x.yaml": TEXT, **HOOKS})
    expected = f"profiles/x.yaml:{place}{field}: fact; remedy"
    assert places(profiles, Complaint(field, value, "fact", "remedy")) == [expected]


def test_the_line_of_a_hook(profiles: Path) -> None:
    write_files(profiles, {"x.yaml": TEXT, **HOOKS})
    assert places(profiles, Complaint("hooks", "2:7", "fact")) == ["profiles/hooks/one.sh:7: hooks: fact"]


def test_a_profile_that_is_broken_meanwhile(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("version: [")
    assert places(profiles, Complaint("users", "live", "fact"), Complaint("", "", "b")) == ["users: fact", "b"]


def test_no_other_error_is_parsed(profiles: Path) -> None:
    write_files(profiles, {"x.yaml": TEXT, **HOOKS})
    settings = Settings(root=profiles.parent, cache=profiles.parent / "cache", output=profiles.parent / "build")
    work = ProfileBuild(settings, "x", Builder(settings, Store(settings.cache))).work("overlay")
    text = "overlay: failed\n  > debate: locale: de_DD.UTF-8; x"
    with pytest.raises(DebateError) as caught, work.places():
        raise DebateError(text)
    assert str(caught.value) == text.replace("\n", " ")


@pytest.mark.parametrize("rule", [rule for rule in rules().values() if rule.profile], ids=lambda rule: rule.name)
def test_what_a_rule_reads_is_kept_for_explain(tmp_path: Path, rule: Rule) -> None:
    """Each slice and the lock, whatever they are called."""
    settings = Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build")
    build = ProfileBuild(settings, "x", Builder(settings, Store(settings.cache)))
    expected = {f"slices/{name}" for name in rule.slices_read} | ({"lock"} & set(rule.needs))
    lock = {"request": "", "distribution": "debian", "release": "", "architecture": "amd64", "packages": []}
    files = {name: {"file": name, **(lock if name == "lock" else {})} for name in expected}
    for name, content in files.items():
        build.records.save(name, content)
    assert build.work(rule.name).what_it_reads() == files


@pytest.mark.parametrize(
    "below", [None, 5, [5], ["sha256:1"], [{"digest": "sha256:../../x", "size": 5}], [{"digest": DIGEST}]], ids=repr
)
def test_layers_of_a_damaged_record(below: Any) -> None:
    layer = {"digest": DIGEST, "size": 5}
    whole = {"outputs": {"layer": layer}, "below": [layer]}
    assert layers_of(whole) == [Artifact(DIGEST, 5)] * 2
    with pytest.raises(DebateError, match=r"^record rootfs: damaged; run the same command again$"):
        layers_of({**whole, "below": below})


@pytest.mark.parametrize(
    "name", ["x", "x/logs", "x/logs/raw", "x/slices", "x/traces", "x/traces/read", "x/check", "x/verify"]
)
def test_nothing_is_written_through_a_link(profiles: Path, tmp_path: Path, name: str) -> None:
    settings = Settings(root=profiles.parent, cache=profiles.parent / "cache", output=profiles.parent / "build")
    (profiles / "x.yaml").write_text("version: 1\n")
    elsewhere, path = tmp_path / "elsewhere", settings.output / name
    for directory in (elsewhere, path.parent):
        directory.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(DebateError, match=rf"^build/{name}: is a link; remove it, and set DEBATE_OUTPUT"):
        ProfileBuild(settings, "x", Builder(settings, Store(settings.cache))).make("config")
    assert list(elsewhere.iterdir()) == []


def test_a_sandbox_does_not_ask_what_the_host_has(tmp_path: Path) -> None:
    """The place of a file is the overlay that has it, and says nothing of what is elsewhere."""
    profiles = tmp_path / "profiles"
    write_files(profiles, {"o/etc/a": "x", "x.yaml": "version: 1\ndescription: x\n\noverlays:\n  - o\n"})
    (tmp_path / "outside").touch()
    (profiles / "o/link").symlink_to(tmp_path)
    root = load(profiles, "x").root
    for path in ("/etc/a", "/etc", "/link"):
        assert str(_place(root, "files", path)).endswith("x.yaml:5:5")
    up = "../" * 20
    for path in ("/etc/b", "/link/outside", f"/{up}etc/passwd", "//etc/passwd", f"/{tmp_path}/outside", "/../x.yaml",
                 "/etc/a/../../../x.yaml", "/a\0b", f"/{'a/' * 3000}", "/\udcff"):  # fmt: skip
        assert _place(root, "files", path) == root.position, path
