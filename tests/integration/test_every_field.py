"""A profile with every field set: the booted system examines itself, and built again it is the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFont

from debate.commands.logic.verify import compared
from debate.qemu import guest as qemu
from tests.integration import cpio
from tests.integration.archive import Archive
from tests.integration.checkout import Checkout


def with_key(checkout: Checkout, archive: Archive) -> Checkout:
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
    font: Any = ImageFont.load_default(20)
    (checkout.directory / "profiles" / "menu.otf").write_bytes(font.font_bytes)
    return checkout


@pytest.fixture(scope="module")
def every(built: Checkout, archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = with_key(Checkout.make(tmp_path_factory.mktemp("every") / "checkout", built.cache), archive)
    checkout.doit("build:every", MIRROR_EXTRA=archive.url)
    return checkout


@pytest.mark.parametrize(
    "firmware", [*(pytest.param(name, marks=pytest.mark.full) for name in ("bios", "secure-boot")), "uefi"]
)
def test_the_system_is_what_the_profile_says(every: Checkout, tmp_path: Path, firmware: str) -> None:
    about = every.json("every", "about.json")["check"]
    guest = qemu.Guest(every.iso("every"), firmware, tmp_path / "log", tmp_path / "png")
    guest.boot(marker=about["marker"], timeout=about["timeout"])
    log = (tmp_path / "log").read_text()
    assert "SELF-CHECK PASSED" in log, log[log.find("self-check") :]
    assert """It's "every" \\field, $title""" in log, "the menu's title"
    assert "every login: live (automatic login)" in log


def test_the_initramfs_is_what_the_profile_says(every: Checkout) -> None:
    packed = every.object(every.artifact("every", "initrd", "initrd").digest).read_bytes()
    assert packed.rfind(b"\x1f\x8b\x08") >= 0
    found = cpio.files(packed)
    assert found["etc/from-hook"] == b"from the hook\n"
    assert found["opt/tool"].startswith(b"#!/bin/sh\n")
    assert found["""etc/modprobe.d/it's "odd" $x.conf"""] == b"options loop max_part=3\n"
    assert found["usr/lib/firmware/debate/probe two.bin"] == b"more firmware\n"
    assert found["etc/modprobe.d/every.conf"] == b"options loop max_loop=9\n"
    assert found["usr/lib/firmware/debate/probe.bin"] == b"firmware\n"
    assert "usr/bin/sleep" in found
    assert b"adiaeresis" in found["etc/console-setup/cached_UTF-8_del.kmap"]
    assert any(re.search(r"/dm-crypt\.ko", name) for name in found)
    assert "etc/motd" not in found
    for name in ("livenetroot", "curl", "sha256sum", "systemd-networkd"):
        assert any(path.endswith(f"/{name}") for path in found), "boot.network"


def test_the_publisher(every: Checkout) -> None:
    """ISO 9660 has it in capitals, and Joliet as it is: ECMA-119, 8.4.20 and 8.5.15."""
    name = """The "debate" tests' publisher! 100% (a_b) *+,-./:;<=>?&"""
    with every.output("every", "every-amd64.iso").open("rb") as iso:
        iso.seek(16 * 2048)
        descriptors = {
            block[0]: block[318:446] for block in (iso.read(2048) for _ in range(8)) if block[1:6] == b"CD001"
        }
    assert descriptors[1].decode().rstrip() == name.upper()
    assert descriptors[2].decode("utf-16-be").rstrip() == name


def test_the_repository_is_in_lock_and_manifest(every: Checkout) -> None:
    probe = next(p for p in every.json("every", "manifest.json")["packages"] if p["name"] == "debate-probe")
    assert (probe["version"], probe["repository"], probe["path"]) == ("1.0", "extra", "pool/debate-probe_1.0_all.deb")


@pytest.mark.full
def test_built_again_it_is_the_same(every: Checkout, archive: Archive) -> None:
    said = every.doit("verify:every", MIRROR_EXTRA=archive.url)
    assert f"identical, bit for bit: {', '.join(compared())}" in said
    assert not every.output("every", "verify").exists()
