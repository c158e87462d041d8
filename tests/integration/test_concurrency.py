"""Many builders at once: each step is built once, and nobody fails because of another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, finish, ran


def hooked(checkout: Checkout, name: str, text: str) -> None:
    """A profile with a hook that no other test has."""
    (checkout.directory / "profiles" / f"{name}.sh").write_text(f"sleep 1; echo {text} > /etc/{name}\n")
    checkout.profile(name, f"extends: minimal\nhooks: [{name}.sh]\n")


def built_times(said: list[str], step: str, profile: str) -> int:
    return sum(ran(text, profile).get(step) == "built" for text in said)


@pytest.mark.parametrize("number", [2, pytest.param(8, marks=pytest.mark.full)])
def test_the_same_profile_in_one_checkout(checkout: Checkout, number: int) -> None:
    """They share doit's database, the output directory and the cache."""
    hooked(checkout, "mine", f"same {number}")
    said = finish([checkout.start("build:mine") for _ in range(number)])
    assert built_times(said, "overlay", "mine") == built_times(said, "iso", "mine") == 1
    assert "up to date" in checkout.doit("build:mine")


def test_the_same_profile_in_several_checkouts(checkout: Checkout) -> None:
    others = [Checkout.make(checkout.directory.parent / f"other{n}", checkout.cache) for n in range(3)]
    checkouts = [checkout, *others]
    for one in checkouts:
        hooked(one, "mine", "several checkouts")
    said = finish([one.start("build:mine") for one in checkouts])
    assert built_times(said, "overlay", "mine") == built_times(said, "iso", "mine") == 1
    assert len({one.digest("mine") for one in checkouts}) == 1


@pytest.mark.full
def test_different_profiles_while_garbage_is_collected(checkout: Checkout, built: Checkout, tmp_path: Path) -> None:
    """Eight builders: each makes its own, and whatever goes meanwhile, none loses what it uses."""
    own = Checkout(checkout.directory, tmp_path / "cache")
    subprocess.run(["cp", "-al", built.cache, own.cache], check=True)  # The other tests need theirs.
    names = [f"mine{letter}" for letter in "abcdefgh"]
    for name in names:
        hooked(own, name, "beside a collector")
    builders = [own.start(f"build:{name}") for name in names]
    collected = 0
    while any(builder.poll() is None for builder in builders):
        own.doit("gc", "--size", "1")
        own.doit("gc")
        collected += 1
    said = finish(builders)
    assert collected > 1
    assert all(built_times(said, "overlay", name) == 1 for name in names)
    assert len({own.digest(name) for name in names}) == len(names)
    assert "all match their digests" in own.doit("fsck")
    assert "up to date" in own.doit(*(f"build:{name}" for name in names))


def test_a_damaged_database_beside_four_builders(checkout: Checkout) -> None:
    """All of them find it; one puts it aside, and nobody fails."""
    checkout.doit("build:minimal")
    (checkout.directory / "build" / ".doit.db").write_bytes(os.urandom(9000))
    said = finish([checkout.start("build:minimal") for _ in range(4)])
    assert any("build/.doit.db: is damaged, so it was put aside" in text for text in said)
    assert "up to date" in checkout.doit("build:minimal")
