"""A problem with an archive has its name, its address as the user wrote it, and its line, if the profile has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.errors import Complaint, StepError
from debate.sandbox.addresses import IF_MEANT
from debate.settings import load
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import MIRRORS
from tests.unit.steps.test_lock import RefusingBuilder

REPOSITORIES = """\
repositories:
  - {{name: one, url: "https://one.example/apt/", key: k.asc{suites}}}
  - {{name: set, key: k.asc{suites}}}
  - {{name: local, key: k.asc{suites}}}
  - {{name: below, url: "https://one.example/apt/below", key: k.asc{suites}}}
  - {{name: again, url: "https://one.example/apt", key: k.asc{more}}}
"""
MEANT = "if that is meant, set DEBATE_MIRROR_{} to this address"
DEBIAN = (
    ("https://one.example/apt/dists/stable/InRelease", "wait", "5:12: repositories: one, {}: no; wait"),
    ("https://one.example/apt", IF_MEANT, f"5:12: repositories: one, {{}}: no; {MEANT.format('ONE')}"),
    ("https://one.example/apt/dists/more/InRelease", "", "9:12: repositories: again, {}: no"),
    ("https://one.example/apt/below/pool/x", IF_MEANT, f"8:12: repositories: below, {{}}: no; {MEANT.format('BELOW')}"),
    ("http://s.example/dists/stable/x", "", "6:12: repositories: set, {}: no"),
    ("copy:/run/mirror/local/dists/x", "", "7:12: repositories: local, file://{root}/dists/x: no"),
    ("http://own.example/debian/pool/x", "wait", "3:9: mirror: debian, {}: no; wait"),
)
ARCH = (
    ("https://one.example/apt/one.db", "wait", "5:12: repositories: one, {}: no; wait"),
    ("file:///run/mirror/local/local.db", "", "7:12: repositories: local, file://{root}/local.db: no"),
    ("http://own.example/debian/core/os/x86_64/core.db", "", "3:9: mirror: arch, {}: no"),
)
ELSEWHERE = (
    ("https://deb.example/debian-security/x", "wait", "{}: the archive debian-security: no; wait"),
    ("https://one.example/aptitude/x", IF_MEANT, f"{{}}: no; {IF_MEANT}"),
    ("http://s.example", "", "profiles/x.yaml:6:12: repositories: set, {}: no"),
)


def refused(profiles: Path, distribution: str, own: str, complaint: Complaint) -> list[str]:
    suites = {"suites": ", suites: [stable]", "more": ", suites: [more]"} if distribution == "debian" else {}
    text = REPOSITORIES.format(**{"suites": "", "more": "", **suites})
    (profiles / "x.yaml").write_text(f"version: 1\ndistribution: {distribution}\n{own}\n{text}")
    (profiles / "k.asc").write_bytes((ROOT / "tests/profiles/keys/extra.asc").read_bytes())
    addresses = {"DEBATE_MIRROR_SET": "http://me:hush@s.example/", "DEBATE_MIRROR_LOCAL": f"file://{profiles}"}
    of_distribution = {name: address for name, address in MIRRORS.items() if name == "DEBATE_MIRROR_DEBIAN_SECURITY"}
    if not own.startswith("mirror"):
        of_distribution = MIRRORS
    settings = load(profiles.parent, {**of_distribution, **addresses, "DEBATE_BASE": "debian"})
    builder = RefusingBuilder(settings, Store(settings.cache), complaints=(complaint,))
    made = ProfileBuild(settings, "x", builder)
    made.of(HOST).make("sandbox")
    made.make("config")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    assert "hush" not in str(caught.value)
    return [str(each) for each in caught.value.problems]


@pytest.mark.parametrize(
    ("distribution", "row"), [*(("debian", row) for row in DEBIAN), *(("arch", row) for row in ARCH)]
)
def test_what_the_profile_names_is_told_at_its_line(
    profiles: Path, distribution: str, row: tuple[str, str, str]
) -> None:
    address, remedy, expected = row
    [said] = refused(profiles, distribution, "mirror: http://own.example/debian", Complaint("", address, "no", remedy))
    assert said == "profiles/x.yaml:" + expected.format(address, root=profiles)


@pytest.mark.parametrize(("address", "remedy", "expected"), ELSEWHERE)
def test_what_the_profile_does_not_name(profiles: Path, address: str, remedy: str, expected: str) -> None:
    [said] = refused(profiles, "debian", "", Complaint("", address, "no", remedy))
    assert said == expected.format(address)


def test_an_address_that_is_missing_has_its_line(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("version: 1\nrepositories:\n  - {name: mine, suites: [s], key: k.asc}\n")
    (profiles / "k.asc").write_bytes((ROOT / "tests/profiles/keys/extra.asc").read_bytes())
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    made = ProfileBuild(settings, "x", RefusingBuilder(settings, Store(settings.cache)))
    made.of(HOST).make("sandbox")
    made.make("config")
    with pytest.raises(
        StepError, match=r"^profiles/x\.yaml:3:12: repositories: mine: no address is known; .*MIRROR_MINE"
    ):
        made.make("lock")
