"""A profile with every field set: the booted system examines itself, twice built it is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.archive import Archive
from tests.integration.checkout import STORED, Checkout, ran


def with_key(checkout: Checkout, archive: Archive) -> Checkout:
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
    return checkout


@pytest.fixture(scope="module")
def every(built: Checkout, archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = with_key(Checkout.make(tmp_path_factory.mktemp("every") / "checkout", built.cache), archive)
    checkout.doit("build:every", MIRROR_EXTRA=archive.url)
    return checkout


def test_the_system_is_what_the_profile_says(every: Checkout, archive: Archive) -> None:
    every.doit("check:every", MIRROR_EXTRA=archive.url)
    for firmware in ("bios", "uefi"):
        log = every.output("every", "check", f"{firmware}.log").read_text()
        assert "SELF-CHECK PASSED" in log, log[log.find("self-check") :]
        assert "Every field" in log, "the menu's title"
        assert "live@every" in log, "the user that is logged in by itself"


def test_the_repository_is_in_lock_and_manifest(every: Checkout) -> None:
    probe = next(p for p in every.json("every", "manifest.json")["packages"] if p["name"] == "debate-probe")
    assert (probe["version"], probe["repository"], probe["path"]) == ("1.0", "extra", "pool/debate-probe_1.0_all.deb")


def test_twice_built_it_is_the_same(every: Checkout, archive: Archive, tmp_path: Path) -> None:
    """In another directory, with an empty cache, in another user-namespace range, one step at a time."""
    other = with_key(Checkout.make(tmp_path / "elsewhere" / "deeper"), archive)
    lock = other.directory / "profiles" / "every.lock.json"
    lock.write_bytes(every.output("every", "lock.json").read_bytes())
    base = other.output(".sandbox")
    base.mkdir(parents=True)
    said = other.doit("-n", "1", "build:every", MIRROR_EXTRA=archive.url, UID_BASE=str(1_310_720_000 + 65536 * 7))
    assert {step: how for step, how in ran(said).items() if step in STORED} == dict.fromkeys(STORED, "built")
    for step in STORED:
        assert other.json("every", f"{step}.json") == every.json("every", f"{step}.json"), step
    assert other.iso("every").read_bytes() == every.iso("every").read_bytes()
