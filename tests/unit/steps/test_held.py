"""What an image is made of is sent to a remote only after the search for secrets has passed it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from debate import keys
from debate.errors import StepError
from debate.model import Step
from debate.remote.remote import Remote
from debate.steps.rule import HOST
from debate.steps.rules import held, rules
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT, write_files
from tests.unit.remote.shelf import Shelf
from tests.unit.steps import fake

SECRET = b"".join(field + b"\0" for field in (b"a private key", b"etc/x.key", b"1" * 64, b""))
ALLOW = "secrets: {allow: [/etc/x.key]}\n"


class Team:
    """A checkout, a remote, and what is said of it, but for how much is on its way."""

    def __init__(self, root: Path, shelf: Shelf) -> None:
        self.root, self.shelf, self.said, self.ran = root, shelf, list[str](), list[Step]()
        for name in ("sandbox", "dodo.py", "pyproject.toml"):
            (root / name).symlink_to(ROOT / name)

    def profile(self, name: str, text: str) -> None:
        write_files(self.root / "profiles", {f"{name}.yaml": f"version: 1\ndescription: x\n{text}", "h.sh": "true\n"})

    def say(self, line: str) -> None:
        if not line.startswith("sending "):
            self.said.append(line)

    def build(
        self, name: str, found: dict[str, bytes] | None = None, without: tuple[str, ...] = (), *, fails: bool = False
    ) -> None:
        """Make all rules of a profile but those ``without``, in one run; whether it fails is told by ``fails``."""
        opened, plain = fake.opened(self.root, name, DEBATE_REMOTE="shelf://5", DEBATE_REMOTE_MODE="read-write")
        remote = Remote(opened.settings, opened.store, self.say)
        builder = replace(plain, remote=remote, found=found or {}, ran=self.ran)
        failed = False
        made = ProfileBuild(opened.settings, name, builder)
        try:
            for rule in rules().values():
                if rule.name in ("network", "space"):
                    continue  # `doit netboot` and `doit size` send them.
                if (rule.pure or rule.name == "build") and rule.name not in without:
                    (made if rule.profile else made.of(HOST)).make(rule.name)
        except StepError:
            failed = True
        remote.finish()
        assert failed == fails

    def sent(self) -> set[str]:
        """The steps whose results the remote has."""
        return {tag.rpartition("-")[0] for tag in self.shelf.manifests}

    def has(self, content: str) -> bool:
        return keys.sha256(content.encode()) in self.shelf.blobs


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    return Team(tmp_path, Shelf.add(monkeypatch))


OF_IMAGE = {"rootfs", "overlay", "initrd", "secrets", "iso"}
CONTENTS = ("rootfs/layer", "overlay/layer", "initrd/initrd", "iso/iso")


def test_which_rules_are_held() -> None:
    """All that strangers' programs leave, and what is made of that: without a word in the rules."""
    assert set(held()) == {*OF_IMAGE, "network", "space"}


def test_what_passes_is_sent_once_it_has_passed(team: Team) -> None:
    team.profile("p", "")
    team.build("p")
    assert team.sent() >= {*OF_IMAGE, "packages", "boot"}
    assert all(map(team.has, CONTENTS))
    assert team.said == []


@pytest.mark.parametrize("where", ["secrets", "secrets-0", "secrets-initrd"])
def test_what_has_secrets_stays_here(team: Team, where: str) -> None:
    """Until the profile allows them: then the results that are in the cache are sent, and nothing is made again."""
    team.profile("p", "")
    team.build("p", found={where: SECRET}, fails=True)
    assert team.sent().isdisjoint({*OF_IMAGE, "secrets-0", "secrets-initrd"})
    assert team.sent() >= {"packages", "boot"}
    assert not any(map(team.has, CONTENTS))
    told = "not sent to shelf://5, since no search for secrets has passed it: initrd, iso, overlay, rootfs, secrets, "
    assert [line[: len(told)] for line in team.said] == [told]
    team.profile("p", ALLOW)
    team.build("p", found={where: SECRET})
    assert team.sent() >= OF_IMAGE
    assert all(map(team.has, CONTENTS))


def test_a_base_is_sent_by_what_is_on_top_without_its_own_upper_layer(team: Team) -> None:
    team.profile("b", "hooks: [h.sh]\n")
    team.profile("p", "base: b\n")
    team.build("b", without=("secrets", "build"))
    assert "rootfs" not in team.sent()
    upper, _ = fake.opened(team.root, "b")
    before = {key for name in ("overlay", "iso") for _, key in upper.results([name])}
    team.build("p")
    assert team.sent() >= OF_IMAGE
    sent = {tag.rpartition("-")[2] for tag in team.shelf.manifests}
    assert sent.isdisjoint(before)
    assert {key for _, key in upper.results(["rootfs"])} <= sent


def test_the_same_result_under_another_key_is_sent_at_once(team: Team) -> None:
    """Since `build` does not run again then."""
    team.profile("p", "hooks: [h.sh]\n")
    team.build("p")
    opened, plain = fake.opened(team.root, "p", DEBATE_REMOTE="shelf://5", DEBATE_REMOTE_MODE="read-write")
    remote = Remote(opened.settings, opened.store, team.say)
    write_files(team.root / "profiles", {"h.sh": "true # the same\n"})
    made = ProfileBuild(opened.settings, "p", replace(plain, remote=remote))
    for name in ("config", "overlay"):
        made.make(name)
    remote.finish()
    [(_, key)] = made.results(["overlay"])
    assert f"overlay-{key}" in team.shelf.manifests
    assert team.said == []
