"""A change rebuilds what it touches, and only that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from debate import keys
from tests.integration.checkout import STORED, Checkout, ran

PROFILE = "extends: minimal\ndescription: before\noverlays: [mine]\nimage: {label: MINE}\n"


@pytest.fixture
def mine(checkout: Checkout) -> Checkout:
    """A profile with an overlay of its own, built."""
    tree = checkout.directory / "profiles" / "mine" / "etc"
    tree.mkdir(parents=True)
    (tree / "mine").write_text("one\n")
    checkout.profile("mine", PROFILE)
    said = ran(checkout.doit("build:mine"))
    assert (said["rootfs"], said["initrd"]) == ("cached", "cached"), "profiles with the same packages share both"
    return checkout


def records(checkout: Checkout) -> dict[str, str]:
    """Name -> digest of what the steps wrote, but for build.json, which has times of files."""
    return {path.name: keys.sha256_file(path) for path in checkout.output("mine").glob("*.json")
            if path.name != "build.json"}  # fmt: skip


def change(checkout: Checkout, text: str) -> dict[str, str]:
    checkout.profile("mine", text)
    return ran(checkout.doit("build:mine"))


def test_one_overlay_file(mine: Checkout) -> None:
    before = mine.digest("mine")
    file = mine.directory / "profiles" / "mine" / "etc" / "mine"
    file.write_text("two\n")
    steps = dict.fromkeys(("config", "hash", "overlay", "secrets", "iso", "build"), "built")
    assert ran(mine.doit("build:mine")) == steps
    assert mine.digest("mine") != before
    file.write_text("one\n")
    assert ran(mine.doit("build:mine")) == {**steps, **dict.fromkeys(("overlay", "secrets", "iso"), "cached")}
    assert mine.digest("mine") == before


def test_the_boot_menu(mine: Checkout) -> None:
    layers = [mine.json("mine", f"{step}.json") for step in ("rootfs", "overlay", "initrd", "boot")]
    assert change(mine, PROFILE + "boot: {timeout: 9}\n") == {
        "config": "built", "hash": "built", "iso": "built", "build": "built",
    }  # fmt: skip
    assert [mine.json("mine", f"{step}.json") for step in ("rootfs", "overlay", "initrd", "boot")] == layers


def test_the_description(mine: Checkout) -> None:
    before = mine.digest("mine")
    steps = {"config": "built", "secrets": "cached", "build": "built"}
    assert change(mine, PROFILE.replace("before", "after")) == steps
    assert mine.digest("mine") == before
    assert mine.json("mine", "manifest.json")["description"] == "after"


def test_the_order_of_packages(mine: Checkout) -> None:
    """Sorted away by the config: what follows does not run."""
    assert change(mine, PROFILE + "packages: [procps, kmod]\n") == {"config": "built"}


@pytest.mark.full
def test_a_package_that_does_not_matter_to_the_initramfs(mine: Checkout) -> None:
    before = mine.json("mine", "initrd.json")
    made = change(mine, PROFILE + "packages: [less]\n")
    assert made["rootfs"] == made["overlay"] == made["iso"] == "built"
    assert "initrd" not in made or made["initrd"] == "cached"
    assert mine.json("mine", "initrd.json") == before
    assert "less" in mine.output("mine", "mine-amd64.packages").read_text()


def test_doits_own_database_lost(mine: Checkout) -> None:
    before = mine.digest("mine")
    mine.output(".doit.db").unlink()
    made = ran(mine.doit("build:mine"))
    assert {step: made[step] for step in STORED} == dict.fromkeys(STORED, "cached")
    assert mine.digest("mine") == before


def test_everything_but_cache_and_lock_lost(mine: Checkout) -> None:
    before = mine.digest("mine")
    lock = mine.output("mine", "lock.json").read_bytes()
    shutil.rmtree(mine.directory / "build")
    (mine.directory / "profiles" / "mine.lock.json").write_bytes(lock)
    made = ran(mine.doit("build:mine"))
    assert {step: made[step] for step in STORED} == dict.fromkeys(STORED, "cached")
    assert mine.digest("mine") == before


def test_an_object_lost_from_the_cache_is_made_again(mine: Checkout, tmp_path: Path) -> None:
    before = mine.digest("mine")
    overlay = mine.object(mine.json("mine", "overlay.json")["outputs"]["layer"]["digest"])
    overlay.rename(tmp_path / "lost")
    assert ran(mine.doit("build:mine")) == {"overlay": "built"}, "the same result stops the rebuild there"
    assert overlay.read_bytes() == (tmp_path / "lost").read_bytes()
    assert mine.digest("mine") == before


def test_a_script_of_a_step_counts(mine: Checkout) -> None:
    """It runs the step that it belongs to. Of the others, each is looked up once: scripts are part of the one stamp."""
    with (mine.own_code() / "iso.sh").open("a") as file:
        file.write("# another\n")
    before = records(mine)
    made = ran(mine.doit("build:mine"))
    assert {step: made[step] for step in STORED} == {**dict.fromkeys(STORED, "cached"), "iso": "built"}
    assert records(mine) == before, "the same came out"
    assert ran(mine.doit("build:mine")) == {}


def test_steps_side_by_side_give_the_same(mine: Checkout) -> None:
    before = mine.digest("mine")
    shutil.rmtree(mine.directory / "build" / "mine" / "slices")
    mine.output(".doit.db").unlink()
    mine.doit("-n", "4", "build:mine")
    assert mine.digest("mine") == before
