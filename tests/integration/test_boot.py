"""The ISO boots, from disc and USB stick, as BIOS and as UEFI; a guest that does not is told of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from debate.errors import DebateError
from debate.qemu import guest as qemu
from tests import documents
from tests.integration import media
from tests.integration.checkout import Checkout


def test_disc(elsewhere: Checkout) -> None:
    """As UEFI with Secure Boot and without, to a shell that answers, and a page of the tutorial that both ports and
    commands find. As BIOS it is a stick, and others are discs.

    An installed debate builds and checks it, in a workspace.
    """
    checkout = elsewhere
    (web,) = (block for block in documents.blocks("docs/tutorial.md") if block.file == "profiles/web.yaml")
    documents.write(checkout.directory, web)
    checkout.profile("auto", "extends: web\nbase: minimal\n"
                     'users: [{name: root, password_hash: "", autologin: true}]\n'
                     "boot: {firmware: [uefi]}\n")  # fmt: skip
    # The guest is stopped as soon as this stands there, sometimes before the shell's own prompt does.
    said = checkout.check("auto", "login: root (automatic login)", "uefi", "secure-boot")
    assert re.search(r"check:auto +running: .*: (secure-boot|uefi): \S", said), (
        "what a guest says is shown while it boots"
    )
    for firmware in ("uefi", "secure-boot"):
        picture = checkout.output("auto", "check", f"{firmware}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 1000, "an empty screen compresses to less"


@pytest.mark.full
def test_firmware_of_32_bits(checkout: Checkout) -> None:
    """It starts the same system of 64 bits."""
    checkout.profile("narrow", "extends: minimal\nbase: minimal\nboot: {firmware: [uefi-ia32]}\n")
    checkout.check("narrow", "narrow login: ", "uefi-ia32")


@pytest.mark.full
def test_rescue(checkout: Checkout) -> None:
    checkout.check("rescue", "rescue login: root (automatic login)")


@pytest.fixture(scope="module")
def several(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with three ISOs of the same packages, of which `this` and `another` have the same label, too."""
    checkout = Checkout.make(tmp_path_factory.mktemp("several") / "checkout", built.cache)
    for name, label in (("this", "SAME"), ("another", "SAME"), ("other", "OTHER")):
        checkout.pin_as(name, built)
        told = f"image: {{label: {label}}}\nboot: {{arguments: [loglevel=7]}}\n"
        checkout.profile(name, f"extends: minimal\n{told}")
    checkout.doit("build:this", "build:another", "build:other")
    return checkout


def comes_up(iso: Path, firmware: str, where: Path, *, disk: bool, **beside: Any) -> None:
    """Assert that what comes up from ``iso`` is the system `this`, whatever else is there."""
    log = where / f"{firmware}.log"
    guest = qemu.Guest(iso, firmware, log, where / f"{firmware}.png", disk=disk, **beside)
    guest.boot(marker="Hostname set to <[a-z]*>", timeout=400)
    said = log.read_text()
    assert "GRUB" in said
    assert "Hostname set to <this>" in said


@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.full)])
def test_usb_stick(several: Checkout, tmp_path: Path, firmware: str) -> None:
    """With one more partition, beside a disc of the same label that is found before it."""
    stick = media.with_a_partition(several.iso("this"), tmp_path / "stick")
    beside = (qemu.Medium(several.iso("another"), disk=False),)
    comes_up(stick, firmware, tmp_path, disk=True, beside=beside, beside_first=True)


def test_files_on_a_fat_stick(several: Checkout, tmp_path: Path) -> None:
    """UEFI with Secure Boot starts them, beside another ISO as a disc."""
    stick = media.copied_to_fat(several.unpack("this", tmp_path / "tree"), tmp_path / "stick")
    beside = (qemu.Medium(several.iso("other"), disk=False),)
    comes_up(stick, "secure-boot", tmp_path, disk=True, beside=beside)


def test_a_file_on_a_disk(several: Checkout, tmp_path: Path) -> None:
    """Another GRUB starts the file that an ISO is, beside another ISO as a disc."""
    disk = media.file_on_a_disk(several.iso("this"), tmp_path / "files", tmp_path / "disk")
    beside = (qemu.Medium(several.iso("other"), disk=False),)
    comes_up(disk, "bios", tmp_path, disk=True, beside=beside)


@pytest.mark.full
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
@pytest.mark.parametrize("name", ["another", "other"])
@pytest.mark.parametrize("first", [True, False], ids=["second", "first"])
@pytest.mark.parametrize("kind", [False, True], ids=["beside a disc", "beside a stick"])
@pytest.mark.parametrize("disk", [False, True], ids=["disc", "stick"])
def test_the_right_medium(
    several: Checkout, tmp_path: Path, disk: bool, kind: bool, first: bool, name: str, firmware: str
) -> None:
    """Beside another ISO of the same label, and of another."""
    beside = (qemu.Medium(several.iso(name), disk=kind),)
    comes_up(several.iso("this"), firmware, tmp_path, disk=disk, beside=beside, beside_first=first)


def test_a_guest_that_panics_fails_with_the_end_of_its_log(checkout: Checkout) -> None:
    checkout.profile("panic", "extends: minimal\nboot: {arguments: [init=/bin/false], timeout: 0, firmware: [bios]}\n")
    said = checkout.doit("check:panic", status=1)
    assert "check as bios: the guest failed: Kernel panic" in said
    assert "Attempted to kill init" in said.partition("the guest failed")[2]
    assert checkout.output("panic", "check", "bios.png").exists()


def test_a_guest_that_does_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "iso").write_bytes(bytes(1 << 20))
    guest = qemu.Guest(tmp_path / "iso", "bios", tmp_path / "log", tmp_path / "png", silence=5)
    with pytest.raises(DebateError, match="check as bios: the guest produced no output for 5 s"):
        guest.boot(marker="login: ", timeout=60)


def test_a_guest_that_takes_too_long_fails(built: Checkout, tmp_path: Path) -> None:
    guest = qemu.Guest(built.iso("minimal"), "bios", tmp_path / "log", tmp_path / "png")
    with pytest.raises(DebateError, match=r"the guest did not come up within 6 s; raise check.timeout"):
        guest.boot(marker="never", timeout=6)


@pytest.mark.full
def test_kiosk_shows_its_page(checkout: Checkout) -> None:
    """As UEFI alone, since what is shown does not depend on the firmware."""
    checkout.profile("page", "extends: kiosk\nboot: {firmware: [uefi]}\n")
    checkout.doit("check:page")
    with Image.open(checkout.output("page", "check", "uefi.png")) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24) or []
        total = picture.width * picture.height
    share = sum(count for count, colour in colours if colour == (0x1D, 0x35, 0x57)) / total
    assert share > 0.8, "the page's background is not what fills the screen"
    assert share < 0.995, "there is no text on the page"
