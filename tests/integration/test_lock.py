"""Locks: signatures are checked, versions are kept, and what went wrong is named."""

from __future__ import annotations

import http.server
import json
import re
import threading
from pathlib import Path

import pytest

from debate.profile.lockfile import to_text
from tests.integration.archive import SUITE, Archive
from tests.integration.checkout import Checkout, ran

PROFILE = """\
extends: minimal
packages: [debate-probe]
repositories:
  - {name: extra, url: "http://packages.invalid/apt", suites: [stable], key: keys/extra.asc}
"""


@pytest.fixture
def own(archive: Archive, tmp_path: Path) -> Archive:
    """An archive that a test may spoil, signed by the same key as the others'."""
    made = Archive.make(tmp_path / "own", archive)
    made.add("debate-probe", "1.0", {"/usr/share/debate-probe": "probe\n"})
    made.publish()
    return made


@pytest.fixture
def mine(checkout: Checkout, archive: Archive) -> Checkout:
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
    checkout.profile("mine", PROFILE)
    return checkout


def lock(checkout: Checkout, archive: Archive, status: int = 0, **settings: str) -> str:
    return checkout.doit("lock:mine", status=status, MIRROR_EXTRA=archive.url, **settings)


def test_an_unsigned_index_is_refused(mine: Checkout, own: Archive) -> None:
    own.publish(sign=False)
    said = lock(mine, own, status=1)
    assert f"mine.yaml:5:12: repositories: extra, {own.url}: its index is not signed, so it is refused" in said
    assert not mine.output("mine", "lock.json").exists()


def test_an_index_signed_by_another_key_is_refused(mine: Checkout, tmp_path: Path) -> None:
    stranger = Archive.make(tmp_path / "stranger")
    stranger.add("debate-probe", "6.6.6", {})
    stranger.publish()
    said = lock(mine, stranger, status=1)
    assert re.search(
        f"repositories: extra, {stranger.url}: its index is signed by the key [0-9A-F]{{40}}, which is", said
    )


def test_an_altered_index_is_refused(mine: Checkout, own: Archive) -> None:
    index = own.directory / "dists" / SUITE / "main" / "binary-amd64" / "Packages"
    index.write_text(index.read_text().replace("Version: 1.0", "Version: 2.0"))
    assert "differs from the archive's signed index" in lock(mine, own, status=1)
    assert not mine.output("mine", "lock.json").exists()


def test_an_archive_that_is_not_there(mine: Checkout, own: Archive, tmp_path: Path) -> None:
    said = mine.doit("lock:mine", status=3, MIRROR_EXTRA=f"file://{tmp_path}/nowhere")
    assert f"DEBATE_MIRROR_EXTRA: there is no directory '{tmp_path}/nowhere'; name a directory that is there" in said
    (own.directory / "dists").rename(own.directory / "moved")
    assert "there is no archive with a suite 'stable'" in lock(mine, own, status=1)


def test_a_mirror_that_does_not_answer(mine: Checkout) -> None:
    said = mine.doit("lock:mine", status=1, MIRROR_EXTRA="http://127.0.0.1:9/apt")
    index = "http://127.0.0.1:9/apt/dists/stable/InRelease"
    assert f"mine.yaml:5:12: repositories: extra, {index}: Unable to connect: Connection refused; " in said
    assert "check the network and the mirror's address" in said


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Redirects to another address of this host."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.2:9/x")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_only_settings_name_a_mirror_on_this_host(mine: Checkout) -> None:
    """A profile does not, nor does a mirror that redirects there."""
    why = "is no public address, so the connection is refused; if that is meant, "
    where = "mine.yaml:5:12: repositories: extra, "
    mine.profile("mine", PROFILE.replace("http://packages.invalid", "http://localhost"))
    said = mine.doit("lock:mine", status=1)
    named = (
        f"{where}http://localhost/apt/dists/stable/InRelease: 127.0.0.1 {why}set DEBATE_MIRROR_EXTRA to this address"
    )
    assert named in said
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f"http://127.0.0.1:{server.server_address[1]}/apt"
        said = mine.doit("lock:mine", status=1, MIRROR_EXTRA=mirror)
        server.shutdown()
    leads = f"{where}{mirror}/dists/stable/InRelease: leads to http://127.0.0.2:9"
    assert re.search(
        rf"{re.escape(leads)}(/x)?: 127\.0\.0\.2 {re.escape(why)}name the address in the settings", said
    ), said
    assert "unsigned" not in said


def test_a_package_that_does_not_exist(mine: Checkout, own: Archive) -> None:
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-prove, curll]"))
    said = lock(mine, own, status=1)
    assert "mine.yaml:3:12: packages: debian trixie has no package 'debate-prove'; did you mean debate-probe" in said
    assert "has no package 'curll'; did you mean curl" in said


def test_what_apt_would_take_for_something_else(mine: Checkout, own: Archive) -> None:
    """apt takes a provider for a virtual name, matches names with dots as patterns, and removes what ends in a dash."""
    own.add("debate-old", "1", {}, fields="Conflicts: debate-probe\nProvides: debate-virtual\n")
    own.add("debate-needs", "1", {}, fields="Depends: debate-probe (>= 2)\n")
    own.publish()
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-virtual, debate.probe, debate-probe=7]"))
    said = lock(mine, own, status=1)
    for place, fact in {
        "3:12": "debian trixie has no package 'debate-virtual': the name is virtual, provided by debate-old; name one",
        "3:28": "debian trixie has no package 'debate.probe'; did you mean debate-probe?",
        "3:42": "debian trixie has no version 7 of debate-probe, but 1.0 (extra); choose one that it has",
    }.items():
        assert f"mine.yaml:{place}: packages: {fact}" in said
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe-, debate-probe/stable, less, less:amd64]"))
    said = mine.doit("validate", "mine", status=1)
    assert [f"3:{column}: packages[{number}]" in said for column, number in ((12, 1), (27, 2), (54, 4))] == [True] * 3
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe=1.0, debate-old]"))
    said = lock(mine, own, status=1)
    assert "3:12: packages: debate-probe cannot be installed: debate-old conflicts with debate-probe; leave one" in said
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-needs]"))
    why = "debate-needs depends on debate-probe (>= 2), and there is debate-probe 1.0"
    assert f"3:12: packages: debate-needs cannot be installed: {why}" in lock(mine, own, status=1)


def test_what_a_repository_does_unasked(mine: Checkout, own: Archive) -> None:
    """What it calls essential is installed, and its higher version is taken in place of Debian's: both are said."""
    lock(mine, own)
    mine.profile("other", PROFILE)
    own.add("debate-must", "1", {}, fields="Essential: yes\n")
    own.add("less", "999", {})
    own.publish()
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe, less]"))
    said = lock(mine, own)
    assert "+ debate-must 1 (essential in the repository extra)\n" in said
    assert "debate-must 1: not asked for; the repository extra calls it essential\n" in said
    must = next(p for p in mine.json("mine", "lock.json")["packages"] if p["name"] == "debate-must")
    assert must["essential"] is True
    assert not any("essential" in p for p in mine.json("mine", "lock.json")["packages"] if p["repository"] == "debian")
    assert "+ less 999 (of the repository extra, in place of the distribution's)\n" in said
    assert "less 999: of the repository extra; debian has this package, too\n" in said
    [mark] = [p for p in mine.json("mine", "lock.json")["packages"] if "replaces" in p]
    assert (mark["name"], mark["replaces"]) == ("less", "debian")


def test_a_lock_of_an_archive_that_names_its_own_root(mine: Checkout, own: Archive) -> None:
    """It is written as it can be read: committed, it is used as it is."""
    own.publish(root="./")
    lock(mine, own)
    pinned = mine.directory / "profiles" / "mine.lock.json"
    pinned.write_bytes(mine.output("mine", "lock.json").read_bytes())
    assert "pool/debate-probe_1.0_all.deb" in {p["path"] for p in mine.json("mine", "lock.json")["packages"]}
    mine.doit("packages:mine", MIRROR_EXTRA=own.url)
    own.publish(root="../own/")
    said = mine.doit("lock:mine", status=1, MIRROR_EXTRA=own.url)
    assert "\nrepository extra: cannot be locked: package 'debate-probe': field 'path' is '../own/pool/" in said


def test_what_a_refresh_changed_is_printed(mine: Checkout, own: Archive) -> None:
    lock(mine, own)
    own.add("debate-probe", "1.1", {})
    own.publish()
    assert "~ debate-probe 1.0 -> 1.1\n" in lock(mine, own)
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[]"))
    assert "- debate-probe 1.1\n" in lock(mine, own)
    mine.profile("mine", PROFILE)
    assert "+ debate-probe 1.1\n" in lock(mine, own)
    assert "nothing changed" in lock(mine, own)


def test_a_build_keeps_to_its_lock(mine: Checkout, own: Archive) -> None:
    mine.doit("packages:mine", MIRROR_EXTRA=own.url)
    own.add("debate-probe", "1.1", {})
    own.publish()
    assert ran(mine.doit("packages:mine", MIRROR_EXTRA=own.url)) == {}
    mine.profile("mine", PROFILE + "hostname: other\n")
    mine.doit("packages:mine", MIRROR_EXTRA=own.url)
    probe = next(p for p in mine.json("mine", "lock.json")["packages"] if p["name"] == "debate-probe")
    assert probe["version"] == "1.0"


def test_a_part_of_a_lock(mine: Checkout, own: Archive) -> None:
    """What is named gets its newest version, with what that needs; all else stays."""
    own.add("debate-two", "1.0", {})
    own.add("debate-three", "1.0", {})
    own.publish()
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe, debate-two, debate-three]"))
    lock(mine, own)
    own.add("debate-probe", "1.1", {})
    own.add("debate-two", "1.1", {}, fields="Depends: debate-three (>= 1.1)\n")
    own.add("debate-three", "1.1", {})
    own.publish()
    said = mine.doit("lock", "mine", "--package", "debate-two", MIRROR_EXTRA=own.url)
    changes = [line for line in said.splitlines() if re.match("[~+-] ", line)]
    assert changes == ["~ debate-three 1.0 -> 1.1", "~ debate-two 1.0 -> 1.1"], said
    said = mine.doit("lock:mine", "--package", "debate-tow", status=1, MIRROR_EXTRA=own.url)
    assert "lock:mine: the lock has no package 'debate-tow'; did you mean 'debate-two'?" in said
    assert "~ debate-probe 1.0 -> 1.1" in lock(mine, own)


def test_many_locks_of_one_run(mine: Checkout, own: Archive) -> None:
    """Equal requests are resolved once, and another gets the indexes that are here."""
    mine.profile("same", PROFILE)
    mine.profile("more", PROFILE.replace("[debate-probe]", "[debate-probe, less]"))
    said = mine.doit("lock", "mine", "same", "more", MIRROR_EXTRA=own.url)
    assert ran(said, "more")
    locks = [mine.json(name, "lock.json") for name in ("mine", "same", "more")]
    assert locks[0] == locks[1]
    assert {package["name"] for package in locks[2]["packages"]} > {package["name"] for package in locks[0]["packages"]}
    ours, theirs = ({(p["name"], p["path"]) for p in one["packages"]} for one in (locks[0], locks[2]))
    assert ours <= theirs
    logs = [mine.output(name, "logs/lock.log") for name in ("mine", "same", "more")]
    assert sum(log.exists() for log in logs) == 2, "one of two equal ones was not resolved"
    mine.doit("packages:more", MIRROR_EXTRA=own.url)


def test_a_locked_package_that_the_mirror_no_longer_has(mine: Checkout, own: Archive) -> None:
    package = own.add("debate-probe", "1.2", {"/usr/share/debate-probe": "never downloaded\n"})
    own.publish()
    lock(mine, own)
    package.unlink()
    said = mine.doit("packages:mine", status=1, MIRROR_EXTRA=own.url)
    assert "the mirror no longer has debate-probe 1.2; run doit lock:mine for what the mirror has now" in said


def test_a_package_with_other_bytes_than_the_lock_says_is_refused(mine: Checkout, own: Archive) -> None:
    package = own.add("debate-probe", "1.3", {"/usr/share/debate-probe": "as signed\n"})
    own.publish()
    lock(mine, own)
    data = package.read_bytes()
    package.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    said = mine.doit("packages:mine", status=1, MIRROR_EXTRA=own.url)
    assert "pool/debate-probe_1.3_all.deb: does not match the SHA-256 in the lock, so it is refused" in said


def test_a_committed_lock_that_does_not_fit(mine: Checkout, own: Archive) -> None:
    lock(mine, own)
    pinned = mine.directory / "profiles" / "mine.lock.json"
    pinned.write_bytes(mine.output("mine", "lock.json").read_bytes())
    before = pinned.read_bytes()
    mine.doit("packages:mine", MIRROR_EXTRA=own.url)
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe, less]"))
    said = mine.doit("packages:mine", status=1, MIRROR_EXTRA=own.url)
    assert "mine.lock.json: the lock file does not match the package list; run doit lock:mine to refresh it" in said
    assert pinned.read_bytes() == before
    mine.profile("mine", PROFILE)
    lost = json.loads(before)
    lost["packages"] = [package for package in lost["packages"] if package["name"] != "debate-probe"]
    pinned.write_text(to_text(lost))
    said = mine.doit("packages:mine", status=1, MIRROR_EXTRA=own.url)
    assert re.search(
        r"mine\.lock\.json:\d+: debate-probe is asked for, and the lock has none; run doit lock:mine", said
    )
    mine.profile("mine", PROFILE.replace("[debate-probe]", "[debate-probe, less]"))
    mine.doit("packages:mine", MIRROR_EXTRA=own.url, LOCK="refresh")
    assert b'"less"' in pinned.read_bytes()


def test_a_dated_mirror(mine: Checkout, archive: Archive) -> None:
    """The date stands in the address; this mirror has one date only, long past."""
    dated = Archive.make(archive.directory.parent / "20260101T000000Z", archive)
    dated.add("debate-probe", "0.9", {})
    dated.publish()
    said = mine.doit("lock:mine", MIRROR_EXTRA=f"file://{dated.directory}")
    assert "packages" in said
    mine.profile("mine", PROFILE + 'snapshot: "20260101T000000Z"\n')
    said = mine.doit("lock:mine", status=1, MIRROR_EXTRA=archive.url)
    assert "snapshot 20260101T000000Z: no dated mirror is set; set DEBATE_MIRROR_DEBIAN_SNAPSHOT" in said
