"""A committed lock is bound to signatures: what the keys of its archive have not signed is refused, also offline."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from tests.integration.archive import Archive
from tests.integration.checkout import Checkout

PROFILE = """\
extends: minimal
packages: [debate-probe]
repositories: [{name: extra, suites: [stable], key: keys/extra.asc}]
"""
NOWHERE = {f"MIRROR_{name}": "http://127.0.0.1:9/debian" for name in ("DEBIAN", "DEBIAN_SECURITY", "EXTRA")}


@dataclass(frozen=True)
class Pinned:
    """The profile `mine`, whose lock is committed, and the archive of its repository `extra`."""

    checkout: Checkout
    archive: Archive
    lock: dict[str, Any]
    """As it was resolved."""
    keys: tuple[str, ...]
    """Those of its proof and of what was read then."""

    def commit(self, lock: dict[str, Any]) -> None:
        (self.checkout.directory / "profiles" / "mine.lock.json").write_text(json.dumps(lock, indent=1))

    def forget(self, *, indexes: bool = False) -> None:
        """Have no proof in the cache, and no signed indexes either."""
        for key in self.keys:
            (self.checkout.cache / "actions" / f"{key}.json").unlink(missing_ok=True)
        self.checkout.output("mine", "traces", "packages.json").unlink(missing_ok=True)
        if indexes:
            self.checkout.object(self.lock["indexes"]["digest"]).unlink(missing_ok=True)

    def packages(self, status: int = 0, **settings: str) -> str:
        self.checkout.output("mine", "packages.json").unlink(missing_ok=True)
        return self.checkout.doit("packages:mine", status=status, **{"MIRROR_EXTRA": self.archive.url, **settings})


@pytest.fixture(scope="module")
def pinned(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Pinned:
    checkout = Checkout.make(tmp_path_factory.mktemp("proof") / "checkout", built.cache)
    archive = Archive.make(tmp_path_factory.mktemp("proof") / "archive")
    archive.add("debate-probe", "1.0", {"/usr/share/debate-probe": "signed\n"})
    archive.add("bash", "0.99", {"/usr/share/bash": "not Debian's\n"})
    archive.publish()
    archive.add("unsigned", "1.0", {"/usr/share/unsigned": "in no index\n"})
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
    checkout.profile("mine", PROFILE)
    checkout.doit("packages:mine", MIRROR_EXTRA=archive.url)
    trace = checkout.json("mine", "traces/packages.json")
    known = (trace["key"], trace["parts"]["proof"]["key"])
    return Pinned(checkout, archive, checkout.json("mine", "lock.json"), known)


def entry(lock: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(package for package in lock["packages"] if package["name"] == name)
    return found


def of(archive: Archive, name: str, version: str) -> dict[str, Any]:
    """What a lock has of a package in the archive's pool."""
    path = archive.directory / "pool" / f"{name}_{version}_all.deb"
    return {
        "name": name, "version": version, "architecture": "all", "path": f"pool/{path.name}",
        "size": path.stat().st_size, "sha256": keys.sha256_file(path).removeprefix("sha256:"),
    }  # fmt: skip


def test_a_lock_names_the_indexes_that_prove_it(pinned: Pinned) -> None:
    """So it is proven without a mirror, from what the cache keeps; and without anything if that was done before."""
    indexes = pinned.lock["indexes"]
    assert keys.sha256_file(pinned.checkout.object(indexes["digest"])) == indexes["digest"]
    pinned.commit(pinned.lock)
    proof = pinned.checkout.output("mine", "logs", "proof.log")
    proof.unlink()  # What resolved the lock was not believed.
    pinned.packages()
    assert not proof.exists()
    pinned.forget()
    pinned.packages(**NOWHERE)
    assert proof.exists()
    proof.unlink()
    pinned.packages(**NOWHERE)
    assert not proof.exists()


def test_what_no_index_of_the_archive_names_is_refused(pinned: Pinned) -> None:
    """Each field, online and offline; and one archive's key does not vouch for another's packages."""
    lock = copy.deepcopy(pinned.lock)
    entry(lock, "debate-probe").update(of(pinned.archive, "debate-probe", "1.0"), repository="debian")
    entry(lock, "base-files")["repository"] = "extra"
    entry(lock, "bash").update(of(pinned.archive, "bash", "0.99"))  # debian's, it says
    entry(lock, "adduser")["size"] += 1
    lock["packages"].append({**of(pinned.archive, "unsigned", "1.0"), "repository": "extra"})
    pinned.commit(lock)
    for settings in ({}, NOWHERE):
        said = pinned.packages(status=1, **settings)
        for name, archive in (("debate-probe 1.0", "debian"), ("base-files", "extra"), ("bash 0.99", "debian"),
                              ("adduser", "debian"), ("unsigned 1.0", "extra")):  # fmt: skip
            line = next(line for line in said.splitlines() if f"{name}:" in line or f"{name} " in line)
            assert f": no signed index of the archive {archive} has its" in line
            assert line.endswith("so it is refused; run doit lock:mine")
    lock = copy.deepcopy(pinned.lock)
    entry(lock, "apt")["version"] += "1"
    entry(lock, "bash")["path"] = entry(lock, "adduser")["path"]
    entry(lock, "dash")["sha256"] = of(pinned.archive, "unsigned", "1.0")["sha256"]
    entry(lock, "tar")["architecture"] = "all"
    entry(lock, "sed")["name"] = "said"
    pinned.commit(lock)
    said = pinned.packages(status=1)
    refused = re.findall(r"(\S+) \S+: no signed index of the archive debian has its", said)
    assert sorted(refused) == ["apt", "bash", "dash", "said", "tar"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_lock_whose_indexes_are_gone(pinned: Pinned, listed: bool) -> None:
    """The archives' indexes of today prove it, past their date as they may be, or nothing does."""
    lock = {name: value for name, value in pinned.lock.items() if listed or name != "indexes"}
    pinned.commit(pinned.lock)
    pinned.packages()
    pinned.forget(indexes=True)
    pinned.commit(lock)
    pinned.archive.publish(valid_until="Fri, 02 Jan 2026 00:00:00 UTC")
    pinned.packages()
    assert pinned.checkout.output("mine", "logs", "indexes.log").exists()
    pinned.forget(indexes=True)
    if listed:
        assert "Unable to connect" in pinned.packages(status=1, **NOWHERE)


def test_indexes_that_nobody_trusted_signed(pinned: Pinned, tmp_path: Path) -> None:
    """A lock can name any file of the cache as its indexes, and a repository any key."""
    stranger = Archive.make(tmp_path / "stranger")
    (pinned.checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(stranger.key)
    pinned.checkout.profile("mine", PROFILE)
    pinned.checkout.doit("config:mine")
    request = keys.sha256(keys.canonical(pinned.checkout.json("mine", "slices/lock.json")))
    pinned.commit({**pinned.lock, "request": request})
    assert "which is none of its keys" in pinned.packages(status=1)
