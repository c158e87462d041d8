"""Many builders at once: each step is built once, and nobody fails because of another."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.checkout import Checkout, ran


def hooked(checkout: Checkout, name: str, text: str) -> None:
    """A profile with a hook that no other test has."""
    (checkout.directory / "profiles" / f"{name}.sh").write_text(f"sleep 1; echo {text} > /etc/{name}\n")
    checkout.profile(name, f"extends: minimal\nhooks: [{name}.sh]\n")


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each said. Asserts that none failed."""
    said = [process.communicate()[0] for process in processes]
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0, text
        assert "Traceback" not in text, text
        assert "locked" not in text, text
    return said


def built_times(said: list[str], step: str, profile: str) -> int:
    return sum(ran(text, profile).get(step) == "built" for text in said)


@pytest.mark.parametrize("number", [2, 4, 8])
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


@pytest.mark.parametrize("number", [2, 8])
def test_different_profiles(checkout: Checkout, number: int) -> None:
    names = [f"mine{letter}" for letter in "abcdefgh"[:number]]
    for name in names:
        hooked(checkout, name, f"one of {number}")
    said = finish([checkout.start(f"build:{name}") for name in names])
    assert all(built_times(said, "overlay", name) == 1 for name in names)
    assert len({checkout.digest(name) for name in names}) == len(names)
