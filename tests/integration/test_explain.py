"""`doit explain` says what would run, and then just that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.checkout import STORED, Checkout, ran


def verdicts(said: str, name: str = "minimal") -> dict[str, str]:
    """Step -> what explain says of it."""
    return dict(
        re.findall(rf"^([a-z]+):{name}  (up to date|from the cache|would run|undecided|would fail)", said, re.MULTILINE)
    )


@pytest.fixture
def mine(checkout: Checkout, built: Checkout) -> Checkout:
    """A checkout in which `minimal` was built."""
    checkout.pin(built)
    checkout.doit("build:minimal")
    return checkout


def more(checkout: Checkout, text: str) -> None:
    path = checkout.directory / "profiles" / "minimal.yaml"
    path.write_text(path.read_text() + text)


def timeout(checkout: Checkout) -> None:
    more(checkout, "boot: {timeout: 91}\n")


def file(checkout: Checkout) -> None:
    more(checkout, "files: [{path: /etc/explained, content: x}]\n")


def tree(checkout: Checkout) -> None:
    path = checkout.directory / "profiles" / "overlays" / "mine" / "etc"
    path.mkdir(parents=True)
    (path / "mine").write_text("mine\n")
    more(checkout, "overlays: [overlays/mine]\n")


def script(checkout: Checkout) -> None:
    with (checkout.own_code() / "squash.sh").open("a") as text:
        text.write("# changed\n")


CHANGES: dict[str, tuple[Callable[[Checkout], None], set[str], str]] = {
    "timeout": (timeout, {"iso"}, r"~ timeout: 3 -> 91 \(profiles/minimal.yaml:8:17\)"),
    "file": (file, {"overlay"}, r"/etc/explained: added \(profiles/minimal.yaml:8:16\)"),
    "tree": (tree, {"overlay"}, r"/etc/mine: added \(profiles/overlays/mine/etc/mine\)"),
    "script": (script, {"overlay"}, "sandbox/squash.sh changed"),
}
"""Change -> what it does, the steps that it makes run at first, and a reason that is told."""


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_says_is_what_then_happens(mine: Checkout, change: str) -> None:
    assert set(verdicts(mine.doit("explain:minimal")).values()) == {"up to date"}
    do, first, reason = CHANGES[change]
    do(mine)
    before = sorted((path, path.read_bytes()) for path in mine.output("minimal").rglob("*.json"))
    said = mine.doit("explain:minimal")
    assert before == sorted((path, path.read_bytes()) for path in mine.output("minimal").rglob("*.json")), (
        "it only looks"
    )
    found = verdicts(said)
    assert {step for step, verdict in found.items() if verdict == "would run"} == first, said
    assert re.search(reason, said), said
    then = ran(mine.doit("build:minimal"))
    for step in STORED:
        if found[step] == "would run":
            assert then[step] == "built", step
        elif found[step] in ("up to date", "from the cache"):
            assert then.get(step, "cached") == "cached", step
    said = mine.doit("explain:minimal")
    assert set(verdicts(said).values()) == {"up to date"}
    because = said[said.index(f"{min(first)}:minimal") :]
    assert re.search(rf"up to date\n    built [0-9: -]+, because:\n(      .*\n)*?      {reason}", because), said


def test_before_the_first_build(tmp_path: Path) -> None:
    fresh = Checkout.make(tmp_path / "fresh")
    said = fresh.doit("explain:minimal")
    assert "sandbox  would run\n    never built here before\n" in said
    assert verdicts(said)["lock"] == "undecided"


def test_a_package_more(mine: Checkout) -> None:
    (mine.directory / "profiles" / "minimal.lock.json").unlink()
    more(mine, "packages: [less]\n")
    said = mine.doit("explain:minimal")
    assert verdicts(said)["lock"] == "would run"
    assert re.search(r"\+ packages: less \(profiles/minimal.yaml:8:12\)", said), said
    assert verdicts(said)["rootfs"] == "undecided"


def test_a_profile_on_another(mine: Checkout) -> None:
    mine.profile("more", "extends: minimal\nbase: minimal\npackages: [less]\n")
    said = mine.doit("explain:more")
    assert verdicts(said, "more")["lock"] == "would run"
    assert "packages:more  undecided: depends on the result of lock:more" in said
