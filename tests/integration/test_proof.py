"""A committed lock is bound to signatures: what the keys of its archive have not signed is refused, also offline."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    """So it is proven without a mirror, from what the cache keeps; and without anything if that was done before.

    What resolved it is not believed.
    """
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
    indexes = pinned.checkout.object(pinned.lock["indexes"]["digest"])
    kept = indexes.read_bytes()
    pinned.commit(pinned.lock)
    pinned.packages()
    pinned.forget(indexes=True)
    pinned.commit(lock)
    pinned.archive.publish(valid_until="Fri, 02 Jan 2026 00:00:00 UTC")
    said = pinned.checkout.doit("lock:mine", status=1, MIRROR_EXTRA=pinned.archive.url)
    assert "its index is past its Valid-Until" in said
    pinned.packages()
    assert pinned.checkout.output("mine", "logs", "indexes.log").exists()
    pinned.forget(indexes=True)
    if listed:
        assert "Unable to connect" in pinned.packages(status=1, **NOWHERE)
    indexes.write_bytes(kept)


def with_script(pinned: Pinned, directory: Path, name: str, edit: Callable[[str], str]) -> Pinned:
    """The same, with a script in ``sandbox/debian`` that is edited, as what it runs could be taken over."""
    checkout = Checkout.make(directory / "checkout", pinned.checkout.cache)
    ours = pinned.checkout.directory
    shutil.copytree(ours / "build", checkout.directory / "build", symlinks=True)
    for file in ("mine.yaml", "keys/extra.asc"):
        shutil.copy(ours / "profiles" / file, checkout.directory / "profiles" / file)
    script = checkout.own_code() / "debian" / name
    script.write_text(edit(script.read_text()))
    return replace(pinned, checkout=checkout)


def test_a_resolver_that_is_taken_over(pinned: Pinned, tmp_path: Path) -> None:
    """Such as by the index of one archive: it can choose among what is signed."""
    pinned.archive.publish()
    pinned.archive.add("late", "1.0", {"/usr/share/late": "in no index\n"})
    lie = of(pinned.archive, "late", "1.0")
    line = f"extra 'copy:/run/mirror/extra/{lie['path']}' late_1.0_all.deb {lie['size']} SHA256:{lie['sha256']}"
    hostile = with_script(pinned, tmp_path, "lock.sh", lambda text: f'{text}\necho "{line}" >> /run/out/resolved\n')
    (hostile.checkout.directory / "profiles" / "mine.lock.json").unlink(missing_ok=True)
    said = hostile.checkout.doit("lock:mine", "packages:mine", status=1, MIRROR_EXTRA=pinned.archive.url)
    assert entry(hostile.checkout.json("mine", "lock.json"), "late")["sha256"] == lie["sha256"], "it was taken over"
    assert "late 1.0: no signed index of the archive extra has its all package" in said


TAKEN_OVER = r"""
if [ "$1" = extra ]; then
    cat /run/in/wanted
    for place in /run/out/proven /run/work/said/debian /run/work/entries /run/work/named; do
        while sleep 0.01; do cat /run/in/wanted > "$place"; done 2> /dev/null &
    done
    exit
fi
"""


def test_what_reads_the_indexes_of_an_archive_vouches_for_that_alone(pinned: Pinned, tmp_path: Path) -> None:
    """Whatever takes it over."""
    hostile = with_script(
        pinned, tmp_path, "vouch.sh", lambda text: text.replace("set -eu\n", f"set -eu\n{TAKEN_OVER}", 1)
    )
    lock = copy.deepcopy(pinned.lock)
    lock["packages"].append({**of(pinned.archive, "unsigned", "1.0"), "repository": "extra"})
    entry(lock, "bash").update(of(pinned.archive, "bash", "0.99"))  # debian's, it says
    hostile.commit(lock)
    said = hostile.packages(status=1)
    refused = re.findall(r"(\S+) \S+: no signed index of the archive (\S+) has its", said)
    assert refused == [("bash", "debian")], "of its own archive it can say what it likes"


def test_indexes_that_nobody_trusted_signed(pinned: Pinned, tmp_path: Path) -> None:
    """A lock can name any file of the cache as its indexes, and a repository any key."""
    stranger = Archive.make(tmp_path / "stranger")
    (pinned.checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(stranger.key)
    pinned.checkout.profile("mine", PROFILE)
    pinned.checkout.doit("config:mine")
    request = keys.sha256(keys.canonical(pinned.checkout.json("mine", "slices/lock.json")))
    pinned.commit({**pinned.lock, "request": request})
    said = pinned.packages(status=1)
    assert "repositories: extra, the signed indexes of extra that prove the lock: " in said
    assert "which is none of its keys" in said
    assert "copy:" not in said, "an address inside the sandbox"
    assert "mirror" not in said, "it is not asked"
