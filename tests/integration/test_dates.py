"""Dates of files as `image.epoch` says."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.checkout import Checkout

DATED = "extends: minimal\nbase: minimal\nimage: {epoch: lock}\n"


def dates(image: Path) -> dict[str, datetime]:
    """Path -> date of all that is in a layer."""
    argv = ["unsquashfs", "-UTC", "-lln", str(image)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    found = re.findall(r" (\d{4}-\d\d-\d\d \d\d:\d\d) squashfs-root(\S*)", said)
    return {path: datetime.fromisoformat(f"{date}+00:00") for date, path in found}


def volume(iso: Path) -> str:
    return subprocess.run(
        ["blkid", "-o", "value", "-s", "UUID", iso], capture_output=True, text=True, check=True
    ).stdout


def test_of_the_lock(checkout: Checkout, built: Checkout) -> None:
    """What a build makes has it; the volume keeps that of the hash, by which it is found."""
    for name, word in (("one", "a"), ("two", "b")):
        checkout.profile(name, f"{DATED}files: [{{path: /srv/page, content: {word}}}]\n")
    checkout.pin(built)
    checkout.doit("build:one", "build:two")
    for name in ("one", "two"):
        date = datetime.fromisoformat(max(one["date"] for one in checkout.json(name, "lock.json")["archives"]))
        layer = checkout.artifact(name, "overlay", "layer")
        found = dates(checkout.object(layer.digest))
        assert found["/srv/page"] == found["/etc/.updated"] == found["/usr"] == date.replace(second=0)
        assert max(found.values()) == date.replace(second=0)
        assert checkout.json(name, "manifest.json")["epoch"] == int(date.timestamp())
    assert volume(checkout.iso("one")) != volume(checkout.iso("two"))
    assert not volume(checkout.iso("one")).startswith(f"{date.astimezone(UTC):%Y-%m-%d}")
    below = dates(checkout.object(checkout.artifact("minimal", "rootfs", "layer").digest))
    assert max(below.values()).year < 2020, "the base has what its own hash says"
    assert "identical, bit for bit" in checkout.doit("verify:one")
