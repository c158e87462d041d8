"""`doit size:NAME` of a real system."""

from __future__ import annotations

import json
import re
import subprocess

from tests.integration.checkout import Checkout


def test_what_takes_the_space(checkout: Checkout, built: Checkout) -> None:
    """As tools tell it that know nothing of debate; and an estimate that comes near to what is made then."""
    checkout.pin(built)
    checkout.profile("small", "extends: minimal\nimage: {compression: {algorithm: xz}}\n")
    checkout.pin_as("small", built)
    text = checkout.doit("size:minimal")
    assert re.search(r"^ +[0-9.]+ MB +[0-9]+%  layer 0, packages$", text, re.MULTILINE)
    (line,) = [line for line in checkout.doit("size:minimal", "--format", "json").splitlines() if '"estimated"' in line]
    data = json.loads(line)["data"]
    assert data["iso"] == sum(data["parts"].values()) == checkout.iso("minimal").stat().st_size
    layer = checkout.object(checkout.artifact("minimal", "rootfs", "layer").digest)
    said = subprocess.run(["unsquashfs", "-lln", layer], capture_output=True, text=True, check=True).stdout
    sizes = [int(size) for size in re.findall(r"^-\S+ \S+ +(\d+) ", said, re.MULTILINE)]
    assert 0.9 < data["unpacked"] / sum(sizes) < 1.1
    assert sum(data["packages"].values()) == data["unpacked"]
    listed = {package["name"]: package for package in checkout.json("minimal", "manifest.json")["packages"]}
    own = {name: taken for name, taken in data["packages"].items() if name != "-"}
    assert own.keys() <= listed.keys()
    assert all(package["size"] > 0 for package in listed.values())
    assert 0.5 < own["libc6"] / listed["libc6"]["installed"] < 1.5
    checkout.doit("build:small")
    made = checkout.iso("small").stat().st_size
    assert 0.95 < data["estimated"]["xz"] / made < 1.05
