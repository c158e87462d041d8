"""Debian: what apt is asked, and what its answers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debate.distributions import debian
from debate.distributions.interface import Locked, Mirrors
from debate.errors import DebateError
from debate.model import Artifact
from debate.settings import Settings

BASE = Artifact("sha256:b", 1)
SLICE: dict[str, Any] = {
    "distribution": "debian", "release": "trixie", "architecture": "amd64", "components": ["contrib", "main"],
    "snapshot": None, "recommends": False, "packages": ["curl", "vim"], "repositories": [],
}  # fmt: skip
EXTRA = {"name": "extra", "url": "https://e.example/apt/", "suites": ["s"], "components": ["c"], "key": "-----BEGIN x"}
MIRRORS = Mirrors({"debian": "http://m.example/debian", "debian-security": "http://m.example/debian-security"}, {})


def settings(**mirrors: str) -> Settings:
    named = {name.replace("_", "-"): address for name, address in mirrors.items()}
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=named)


def test_what_apt_is_asked() -> None:
    step = debian.lock_step({**SLICE, "repositories": [EXTRA]}, Mirrors({**MIRRORS.addresses, "extra": "E"}, {}), BASE)
    signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    assert step.where["sources.list"].decode().splitlines() == [
        f"deb [{signed}] http://m.example/debian trixie contrib main",
        f"deb [{signed}] http://m.example/debian trixie-updates contrib main",
        f"deb [{signed}] http://m.example/debian-security trixie-security contrib main",
        "deb [signed-by=/run/in/keys/extra.asc] E s c",
    ]
    assert step.parameters["keys/extra.asc"] == b"-----BEGIN x"
    assert step.parameters["packages"] == b"curl\nvim\n"
    assert step.parameters["options"] == b'APT::Architecture "amd64";\nAPT::Install-Recommends "false";\n'
    assert [command.rights for command in step.commands] == ["fetch"]


def test_only_a_dated_mirror_may_be_past_its_date() -> None:
    dated = debian.lock_step({**SLICE, "snapshot": "20260101T000000Z"}, MIRRORS, BASE).where["sources.list"]
    assert all(b"check-valid-until=no" in line for line in dated.splitlines())
    assert b"valid-until" not in debian.lock_step(SLICE, MIRRORS, BASE).where["sources.list"]


def test_settings_over_profile_over_host() -> None:
    found = debian.mirrors(settings(debian="http://set.example/d/"), SLICE, "http://profile.example/d").addresses
    assert found["debian"] == "http://set.example/d"
    assert debian.mirrors(settings(), SLICE, "http://p.example/d").addresses["debian"] == "http://p.example/d"


def test_a_directory_is_shown_inside() -> None:
    found = debian.mirrors(settings(debian="file:///srv/m"), {**SLICE, "repositories": [EXTRA]}, None)
    assert found.addresses["debian"] == "copy:/run/mirror/debian"
    assert found.addresses["extra"] == "https://e.example/apt"
    assert found.directories == {"debian": "/srv/m"}


def test_dated_mirrors() -> None:
    dated = {**SLICE, "snapshot": "20260101T000000Z"}
    found = debian.mirrors(settings(debian_snapshot="http://s.example/{archive}/{date}/"), dated, None).addresses
    assert found["debian-security"] == "http://s.example/debian-security/20260101T000000Z"
    assert b'Acquire::Retries "8"' in debian.fetch_step([], Mirrors({}, {}, dated=True), BASE).where["apt.conf"]
    assert b"Acquire::Retries" not in debian.fetch_step([], MIRRORS, BASE).where["apt.conf"]
    with pytest.raises(DebateError, match="no dated mirror is set; set DEBATE_MIRROR_DEBIAN_SNAPSHOT"):
        debian.mirrors(settings(), dated, None)


def test_rolling_releases_have_one_archive() -> None:
    sid = {**SLICE, "release": "sid"}
    lines = debian.lock_step(sid, debian.mirrors(settings(debian="http://m.example/d"), sid, None), BASE)
    assert lines.where["sources.list"].count(b"\n") == 1


DIGEST = "ab" * 32


def test_what_apt_answers() -> None:
    text = (
        f"'http://m.example/debian/pool/v/vim_9.1%2b1-2_amd64.deb' vim_2%3a9.1+1-2_amd64.deb 17 SHA256:{DIGEST}\n"
        f"'http://m.example/debian-security/pool/c/curl_8_all.deb' curl_8_all.deb 5 SHA256:{DIGEST}\n"
    )
    assert debian.read_resolved(text, MIRRORS) == [
        Locked("curl", "8", "all", "debian-security", "pool/c/curl_8_all.deb", 5, DIGEST),
        Locked("vim", "2:9.1+1-2", "amd64", "debian", "pool/v/vim_9.1%2b1-2_amd64.deb", 17, DIGEST),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'http://m.example/debian/a_1_all.deb' a_1_all.deb 5 MD5Sum:00", "no SHA-256"),
        (f"'http://other.example/a_1_all.deb' a_1_all.deb 5 SHA256:{DIGEST}", "below none of the mirrors"),
    ],
)
def test_answers_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(DebateError, match=message):
        debian.read_resolved(text, MIRRORS)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (
            "E: Unable to locate package crul\ncandidate crul curl\ncandidate crul cruft",
            "packages: debian trixie has no package 'crul'; did you mean curl?",
        ),
        ("E: Unable to locate package xyzzy\n", "has no package 'xyzzy'; check the name and the release"),
        ("W: ... NO_PUBKEY 123\nE: The repository 'x' is not signed.", "unsigned or signed by an unknown key"),
        (
            "Err:1 http://m.example/debian trixie InRelease\nE: Failed to fetch http://m.example/x  Could not connect",
            "http://m.example/x: Could not connect; check the network",
        ),
        ("something else", ""),
    ],
)
def test_what_a_failed_lock_means(log: str, message: str) -> None:
    found = debian.explain_lock(log, SLICE)
    assert message in found
    assert bool(found) == bool(message)


def package(name: str, path: str = "pool/x.deb") -> Locked:
    return Locked(name, "1.0", "amd64", "debian", path, 3, DIGEST)


def test_what_a_failed_download_means() -> None:
    log = "Err:1 http://m.example/debian/pool/a_1.deb\n  404  Not Found [IP: ::1 80]\nE: pool/a_1.deb  404  Not Found"
    assert debian.explain_fetch(log, [package("a", "pool/a_1.deb")]) == "the mirror no longer has a 1.0"
    wrong = debian.explain_fetch("E: Failed to fetch http://m.example/pool/x.deb  Hash Sum mismatch", [package("a")])
    assert "another SHA-256 than the lock" in wrong


def test_the_local_repository() -> None:
    index = debian.index([(package("a"), b"Package: a\nVersion: 1.0\n")])
    assert index.decode() == (
        f"Package: a\nVersion: 1.0\nFilename: pool/a_1.0_amd64.deb\nSize: 3\nSHA256: {DIGEST}\n\n"
    )


def test_what_matters_to_an_initramfs() -> None:
    pairs = [
        (package("a"), b"Package: a\n"),
        (package("m"), b"Package: m\nX-Debate-Initrd: yes\n"),
        (package("zstd"), b""),
    ]
    assert debian.initrd_wanted(pairs, "initramfs-tools") == ["m", "zstd"]


def test_a_key_tells_nothing_of_where_files_lie() -> None:
    one = debian.fetch_step([package("a")], MIRRORS, BASE)
    other = debian.fetch_step([package("a")], Mirrors({"debian": "http://other.example"}, {}), BASE)
    assert one.parameters == other.parameters
    assert one.where != other.where
