"""A profile on the packages of another: one more layer, and nothing of the other is built again."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.checkout import Checkout, ran

SECOND = "extends: minimal\nbase: minimal\npackages: [less, python3]\n"


@pytest.fixture(scope="module")
def second(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("base") / "checkout", built.cache)
    checkout.pin(built)
    checkout.profile("second", SECOND)
    return checkout


def test_only_what_is_added_is_built(second: Checkout, built: Checkout) -> None:
    said = second.doit("build:second")
    assert ran(said, "minimal")["rootfs"] == ran(said, "second")["initrd"] == "cached"
    assert ran(said, "second")["rootfs"] == "built"
    layers = second.json("second", "manifest.json")["layers"]
    assert [layer["name"] for layer in layers] == ["packages", "packages", "overlay"]
    assert layers[0] == built.json("minimal", "manifest.json")["layers"][0]
    listing = subprocess.run(
        ["unsquashfs", "-l", "-d", "", second.object(layers[1]["digest"])], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"/usr/bin/less", "/var/lib/dpkg/info/less.list", "/var/lib/dpkg/status"} <= set(listing)
    strangers = {path for path in listing if path.startswith(("/boot/", "/usr/lib/modules/", "/usr/sbin/policy-rc.d"))}
    assert not strangers


def test_packages_of_both_are_told(second: Checkout) -> None:
    packages = second.output("second", "second-amd64.packages").read_text()
    assert {line.split()[0] for line in packages.splitlines()} > {"less", "python3", "systemd", "libc6"}
    below = {p["sha256"] for p in second.json("minimal", "lock.json")["packages"]}
    own = {p["sha256"] for p in second.json("second", "lock.json")["packages"]}
    assert below < own


def test_a_pinned_lock_that_lacks_a_package_of_the_base(second: Checkout) -> None:
    pinned = second.directory / "profiles" / "second.lock.json"
    lock = second.json("second", "lock.json")
    lock["packages"] = [package for package in lock["packages"] if package["name"] != "dbus"]
    pinned.write_text(json.dumps(lock))
    said = second.doit("build:second", LOCK="refuse", status=1)
    assert (
        "second.lock.json: the lock file does not match the base's lock file; run doit lock:second to refresh it"
        in said
    )
    pinned.unlink()
    assert "up to date" in second.doit("build:second")
