"""The same config gives the same ISO, bit for bit."""

from __future__ import annotations

from pathlib import Path

from tests.integration.checkout import STORED, Checkout, ran


def test_two_builds_in_two_directories(built: Checkout, tmp_path: Path) -> None:
    """With nothing of the first but the lock: another cache, another tools tree, another user-namespace range."""
    other = Checkout.make(tmp_path / "another" / "place")
    lock = other.directory / "profiles" / "minimal.lock.json"
    lock.write_bytes(built.output("minimal", "lock.json").read_bytes())
    said = other.doit("build:minimal", UID_BASE=str(1_310_720_000 + 65536 * 3), PROCESSORS="1", SCRATCH="disk")
    assert {step: how for step, how in ran(said).items() if step in STORED} == dict.fromkeys(STORED, "built")
    for step in STORED:
        assert other.json("minimal", f"{step}.json") == built.json("minimal", f"{step}.json"), step
    assert other.iso("minimal").read_bytes() == built.iso("minimal").read_bytes()
    for name in ("minimal-amd64.cdx.json", "manifest.json", "minimal-amd64.packages", "minimal-amd64.iso.sha256"):
        assert other.output("minimal", name).read_bytes() == built.output("minimal", name).read_bytes(), name
