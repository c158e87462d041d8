"""The ISO boots, from disc and USB stick, as BIOS and as UEFI; a guest that does not is told of."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from debate.errors import DebateError
from debate.qemu import guest as qemu
from tests.integration.checkout import Checkout


def test_disc(checkout: Checkout) -> None:
    """As both firmwares; of minimal, see test_usb_stick."""
    # The guest is stopped as soon as this stands there, sometimes before the shell's own prompt does.
    said = checkout.check("rescue", "rescue login: root (automatic login)")
    assert re.search(r"check:rescue +running: .*: (bios|uefi): \S", said), "what a guest says is shown while it boots"
    for firmware in ("bios", "uefi"):
        picture = checkout.output("rescue", "check", f"{firmware}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 1000, "an empty screen compresses to less"


def test_usb_stick(built: Checkout, tmp_path: Path) -> None:
    """As both firmwares side by side, which takes hardly longer than one."""

    def boot(firmware: str) -> str:
        log = tmp_path / firmware
        guest = qemu.Guest(built.iso("minimal"), firmware, log, tmp_path / f"{firmware}.png", disk=True)
        guest.boot(marker="minimal login: ", timeout=400)
        return log.read_text()

    with ThreadPoolExecutor(2) as pool:
        for text in pool.map(boot, ["bios", "uefi"]):
            assert "GRUB" in text


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


def test_kiosk_shows_its_page(checkout: Checkout) -> None:
    checkout.doit("check:kiosk")
    for firmware in ("bios", "uefi"):
        with Image.open(checkout.output("kiosk", "check", f"{firmware}.png")) as picture:
            colours = picture.convert("RGB").getcolors(1 << 24) or []
            total = picture.width * picture.height
        share = sum(count for count, colour in colours if colour == (0x1D, 0x35, 0x57)) / total
        assert share > 0.8, "the page's background is not what fills the screen"
        assert share < 0.995, "there is no text on the page"
