"""A profile on the packages of another: one more layer, and nothing of the other is built again."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.integration.archive import Archive
from tests.integration.checkout import Checkout, ran

SECOND = """\
extends: minimal
base: minimal
packages: [less, python3, debate-z]
repositories: [{name: extra, key: keys/extra.asc}]
hooks: [greedy]
"""
GREEDY = "#!/bin/sh\nstat -L -c '%n %t:%T' /proc/self/fd/* > /var/lib/fd-{name}\ncat > /var/lib/read-{name}\n"
"""A script that reads standard input to its end, and says which descriptors it has."""


POLICY = "#!/bin/sh\nexit 101\n"


@pytest.fixture(scope="module")
def second(built: Checkout, archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("base") / "checkout", built.cache)
    checkout.pin(built)
    checkout.profile("second", SECOND)
    profiles = checkout.directory / "profiles"
    (profiles / "greedy").write_text(GREEDY.format(name="hook"))
    (profiles / "keys" / "extra.asc").write_bytes(archive.key)
    own = Archive.make(profiles.parent / "extra", archive)
    own.add(
        "debate-y",
        "1",
        {"/usr/sbin/policy-rc.d": POLICY},
        {script: GREEDY.format(name=script) for script in ("preinst", "postinst")},
    )
    own.add("debate-x", "1", {"/usr/share/of-x": ""}, fields="Pre-Depends: debate-y\n")
    own.add("debate-z", "1", {}, {"postinst": "#!/bin/sh\nrm /usr/share/of-x\n"}, fields="Depends: debate-x\n")
    own.add("debate-fails", "1", {}, {"postinst": "#!/bin/sh\nexit 3\n"})
    own.add("debate-stops", "1", {}, {"preinst": "#!/bin/sh\nexit 3\n"})
    own.add("debate-source", "1", {"/usr/src/none-1/dkms.conf": "PACKAGE_NAME=none\nexport AUTOINSTALL=1\n"})
    kernel = built.json("minimal", "packages.json")["kernel"]
    own.add("debate-headers", "1", {f"/usr/src/linux-headers-{kernel}/Module.symvers": ""})
    own.publish()
    return checkout


def doit(second: Checkout, *words: str, status: int = 0, **settings: str) -> str:
    return second.doit(*words, status=status, MIRROR_EXTRA=f"file://{second.directory}/extra", **settings)


def test_only_what_is_added_is_built(second: Checkout, built: Checkout) -> None:
    said = doit(second, "build:second")
    assert ran(said, "minimal")["rootfs"] == ran(said, "second")["initrd"] == "cached"
    assert ran(said, "second")["rootfs"] == "built"
    layers = second.json("second", "manifest.json")["layers"]
    assert [layer["name"] for layer in layers] == ["packages", "packages", "overlay"]
    assert layers[0] == built.json("minimal", "manifest.json")["layers"][0]
    listing = subprocess.run(
        ["unsquashfs", "-l", "-d", "", second.object(layers[1]["digest"])], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"/usr/bin/less", "/var/lib/dpkg/info/less.list", "/var/lib/dpkg/status"} <= set(listing)
    assert not {path for path in listing if path.startswith(("/boot/", "/usr/lib/modules/"))}
    assert [path for path in listing if "policy-rc.d" in path] == ["/usr/sbin/policy-rc.d"], "a package has it"
    assert "debate-x: /usr/share/of-x is not there, though it was installed: a script of a package removed" in said


@pytest.mark.parametrize(("name", "state"), [("debate-fails", "half-configured"), ("debate-stops", "not-installed")])
def test_a_script_that_fails(second: Checkout, name: str, state: str) -> None:
    """It is told with its package, at the line that asks for it."""
    second.profile("fails", re.sub(r"packages: .*", f"packages: [{name}]", SECOND))
    said = doit(second, "rootfs:fails", status=1)
    assert re.search(
        f"^profiles/fails.yaml:[0-9]+:[0-9]+: packages: {name} could not be .* it is {state};", said, re.MULTILINE
    )


def test_a_script_that_reads_its_input_takes_nothing_away(second: Checkout) -> None:
    """The scripts of `debate-y` run before `debate-x` is unpacked, and there is more to do after them."""
    lines = second.output("second", "second-amd64.packages").read_text().splitlines()
    assert {"debate-x", "debate-y", "debate-z"} <= {line.split()[0] for line in lines}
    layers = [layer["digest"] for layer in second.json("second", "manifest.json")["layers"]]
    for name, layer in (("preinst", layers[1]), ("postinst", layers[1]), ("hook", layers[2])):
        argv = ["unsquashfs", "-cat", second.object(layer), f"var/lib/fd-{name}"]
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        assert said[0] == "/proc/self/fd/0 1:3", f"{name}: standard input is the null device"
        assert [line.split()[0][-1] for line in said[:3]] == ["0", "1", "2"], said
        assert len(said) == 3, f"{name}: it has no other descriptor: {said}"
        argv[-1] = f"var/lib/read-{name}"
        assert subprocess.run(argv, capture_output=True, check=True).stdout == b""


def test_modules_as_source(second: Checkout, built: Checkout) -> None:
    """Scripts of packages pass over modules that they cannot build; the builder does not."""
    kernel = built.json("minimal", "packages.json")["kernel"]
    profile = SECOND.replace("[less, python3, debate-z]", "[debate-source]").replace("hooks: [greedy]\n", "")
    second.profile("source", profile)
    said = doit(second, "rootfs:source", status=1)
    fact = f"debate-source has modules as source, and no package has the headers of the kernel {kernel} to build them"
    assert re.search(rf"profiles/source.yaml:4:12: packages: {re.escape(fact)}; add linux-headers-", said), said
    second.profile("source", profile.replace("[debate-source]", "[debate-source, debate-headers]"))
    said = doit(second, "rootfs:source", status=1)
    fact = f"the module none-1 of debate-source was not built for the kernel {kernel}; see the log for the reason"
    assert f"profiles/source.yaml:4:12: packages: {fact}" in said


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
    said = doit(second, "build:second", LOCK="refuse", status=1)
    assert (
        "second.lock.json: the lock file does not match the base's lock file; run doit lock:second to refresh it"
        in said
    )
    pinned.unlink()
    assert "up to date" in doit(second, "build:second")
