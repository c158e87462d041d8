"""What the entries of the boot menu do: each of them boots for real, and persistence keeps what is written."""

from __future__ import annotations

import mmap
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from debate.qemu import guest as qemu
from tests.integration.checkout import Checkout
from tests.integration.machine import Machine, machine

TELL = """\
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/tell
[Install]
WantedBy=multi-user.target
"""


TOLD = """\
tell() { echo "tell: $* :" > /dev/ttyS0; }
kept=$(cat /srv/kept || echo nothing)
echo something > /srv/kept
sync
for _ in 1 2 3; do
    tell "$kept"
    tell $(grep -c ^root:: /etc/shadow) $(grep -c /dev/sr0 /proc/mounts)
    tell "$(cat /proc/cmdline)"
    sleep 5
done
"""
"""Says what was kept, if root has no password as the profile wants it, how often the disc is mounted, and the kernel's
command line; more than once, since getty takes the line away from others when it starts.
"""


def profile(checkout: Checkout, name: str, boot: str, script: str, more: str = "") -> None:
    """One like minimal that runs ``script`` when it is up, which may write to its serial console."""
    lines = "".join(f"      {line}\n" for line in script.splitlines())
    unit = "".join(f"      {line}\n" for line in TELL.splitlines())
    checkout.profile(
        name,
        f"extends: minimal\n{boot}{more}files:\n"
        f"  - path: /usr/local/sbin/tell\n    mode: '0755'\n    content: |\n      #!/bin/sh\n{lines}"
        f"  - path: /usr/lib/systemd/system/tell.service\n    content: |\n{unit}"
        "services: {enable: [tell]}\n",
    )


SECTOR = bytes.fromhex("fa31c08ed88ed0bc007cbe1b7cbaf803ac84c07403eeebf8f4ebfd")
"""Boot code that writes the text behind it to the first serial line."""


def boot_sector(disk: Path, text: str) -> None:
    code = SECTOR + text.encode() + b"\0"
    disk.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))


PASSPHRASE = "correct horse"  # noqa: S105 - of disks that the test makes
ARGUMENT = "x=$a;b c|d"
SAID = '"x=$a;b c|d"'
"""The argument on the kernel's command line."""


def disk(path: Path, label: str, *, encrypted: bool) -> Path:
    """A file system with this label on which live-boot may keep everything."""
    kept = path.with_suffix(".kept")
    kept.mkdir()
    (kept / "persistence.conf").write_text("/ union\n")
    path.write_bytes(bytes(40 << 20))
    subprocess.run(["mkfs.ext4", "-q", "-L", label, "-d", kept, path, "8M"], check=True)
    if encrypted:
        argv = ["cryptsetup", "reencrypt", "--encrypt", "--type=luks2", "--batch-mode", "--reduce-device-size=32M"]
        argv += ["--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000", f"--label={label}", "--key-file=-", str(path)]
        subprocess.run(argv, check=True, input=PASSPHRASE.encode(), capture_output=True)
    return path


def damaged(iso: Path, target: Path, file: Path) -> Path:
    """A copy of ``iso`` with one bit changed in the middle of the file on it whose content is that of ``file``."""
    shutil.copy(iso, target)
    content = file.read_bytes()
    with target.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as image:
        at = image.find(content) + len(content) // 2
        assert at > len(content) // 2
        image[at] ^= 1
    return target


@pytest.mark.full
def test_what_is_written_stays_on_the_encrypted_disk(checkout: Checkout, tmp_path: Path) -> None:
    """And on no other, though one with another label comes first. The entry is chosen by boot.default, in a submenu.

    The medium is checked first: of the damaged one it is told, and the person at the console goes on. Then it is copied
    to memory, after which nothing uses it.
    """
    entry = f"{{name: persistence, arguments: [toram, verify-checksums, '{ARGUMENT}'], submenu: More}}"
    boot = f"boot: {{timeout: 8, default: persistence, entries: [default, {entry}]}}\n"
    profile(checkout, "kept", boot, TOLD, "persistence: {label: my-data, encrypted: true}\n")
    checkout.doit("build:kept")
    tree = checkout.unpack("kept", tmp_path / "tree")
    whole, name = checkout.iso("kept"), "EFI/BOOT/BOOTX64.EFI"
    broken = damaged(whole, tmp_path / "broken.iso", tree / name)
    other, mine = (disk(tmp_path / label, label, encrypted=True) for label in ("other-data", "my-data"))
    before = other.read_bytes()
    for iso, found in ((broken, "nothing"), (whole, "something")):
        with machine(iso, disks=[other, mine], memory=3072) as guest:
            guest.wait("GRUB")
            assert looks(guest).size == (1024, 768)
            guest.wait("Checking live/1-packages.squashfs")
            if iso == broken:
                assert guest.wait("The medium is damaged:(.*)")[1].strip() == name
                guest.wait(r"\(initramfs\)")
                guest.type("exit\n")
            else:
                guest.wait("The medium is undamaged")
            guest.wait("unlock disk /dev/vdb")
            time.sleep(1)
            guest.type(f"{PASSPHRASE}\n")
            assert guest.wait("tell: (.*) :")[1] == found
            assert guest.wait("tell: (.*) :")[1] == "1 0"
            assert guest.wait("tell: (.*) :")[1].endswith(f" toram verify-checksums {SAID}")
    assert other.read_bytes() == before


def looks(guest: Machine) -> Image.Image:
    """The menu, once its theme is there."""
    deadline = time.monotonic() + 60
    while True:
        shown = guest.screen()
        colours = {colour for _, colour in shown.getcolors(1 << 24) or []}
        if (0x2A, 0x6F, 0x97) in colours:
            return shown
        assert time.monotonic() < deadline, "no theme"
        time.sleep(1)


@pytest.fixture(scope="module")
def entries(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The profile `entries`, whose menu waits and whose system tells what it was started from."""
    checkout = Checkout.make(tmp_path_factory.mktemp("menu") / "checkout", built.cache)
    boot = (
        "boot:\n  title: A system\n  timeout: 600\n  theme: {resolution: 1024x768}\n  entries:\n"
        "    - {title: Nothing, arguments: ['x=$a;b c|d']}\n"
        "    - {name: toram, arguments: [verify-checksums, 'x=$a;b c|d'], submenu: More}\n"
        "    - {name: failsafe, hotkey: f, submenu: More}\n"
        "    - firmware\n"
        "    - {name: disk, hotkey: d}\n"
        "    - {name: memtest, hotkey: m}\n"
    )
    checkout.pin(built)
    profile(checkout, "entries", f"base: minimal\n{boot}", TOLD)
    checkout.doit("build:entries")
    return checkout


@pytest.mark.full
def test_the_first_disk(entries: Checkout, tmp_path: Path) -> None:
    """By BIOS. The medium is a disc, so the disk is the first one."""
    boot_sector(tmp_path / "disk", "This is the disk.\r\n")
    with machine(entries.iso("entries"), disks=[tmp_path / "disk"]) as guest:
        guest.wait("Nothing")
        guest.type("d")
        guest.wait("This is the disk.", 60)


@pytest.mark.full
def test_the_setup_of_the_firmware(entries: Checkout) -> None:
    with machine(entries.iso("entries"), "uefi") as guest:
        guest.wait("Nothing")
        looks(guest)
        guest.choose(2)
        guest.wait("Boot Manager|Device Manager", 120)


@pytest.mark.full
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_the_memory(entries: Checkout, firmware: str) -> None:
    with machine(entries.iso("entries"), firmware) as guest:
        guest.wait("Memory test")
        guest.type("m")
        guest.wait("Memtest86", 120)


@pytest.mark.full
def test_no_test_of_the_memory_with_secure_boot(entries: Checkout, tmp_path: Path) -> None:
    log = tmp_path / "log"
    qemu.Guest(entries.iso("entries"), "secure-boot", log, tmp_path / "png").boot(marker="Use the .* keys", timeout=200)
    assert "Nothing" in log.read_text()
    assert "Memory test" not in log.read_text()


@pytest.mark.full
@pytest.mark.parametrize("generator", ["initramfs-tools", "dracut"])
def test_each_entry(checkout: Checkout, tmp_path: Path, generator: str) -> None:
    """Of what starts the live system, and with each initramfs: what it does is seen in the system, or before."""
    script = TOLD + "grep -q debate.speech /proc/cmdline && sleep 30 && echo Words to be read out. > /dev/tty1; true"
    keys = {"default": "d", "toram": "t", "failsafe": "f", "serial": "s", "accessibility": "a", "verify": "k",
            "persistence": "p"}  # fmt: skip
    own = f"{{title: Own, hotkey: o, arguments: ['{ARGUMENT}']}}"
    entries = ", ".join([*(f"{{name: {name}, hotkey: {key}}}" for name, key in keys.items()), own])
    more = f"persistence: {{label: my-data}}\ninitrd: {{generator: {generator}}}\n"
    profile(checkout, "all", f"boot: {{timeout: 600, console: [ttyS0, tty0], entries: [{entries}]}}\n", script, more)
    checkout.doit("build:all")
    iso, tree = checkout.iso("all"), checkout.unpack("all", tmp_path / "tree")
    layer = next(tree.rglob("*overlay.squashfs"))
    broken = damaged(iso, tmp_path / "broken.iso", layer)
    other, mine = (disk(tmp_path / label, label, encrypted=False) for label in ("other-data", "my-data"))
    before = other.read_bytes()

    def start(key: str, image: Path = iso) -> tuple[str, int, str, str]:
        with machine(image, disks=[other, mine], memory=3072, sound=tmp_path / f"{key}.wav") as guest:
            guest.wait("GRUB")
            looks(guest)
            guest.type(key)
            if image == broken:
                return guest.wait("The medium is damaged:(.*)")[1].strip(), 0, "", guest.text
            kept, found, line = (guest.wait("tell: (.*) :")[1] for _ in range(3))
            own, discs = found.split()
            assert own == "1"
            if key == "a":
                time.sleep(90)
            return kept, int(discs), line, guest.text

    assert start("k", broken)[0] == str(layer.relative_to(tree))
    kept, discs, _, _ = start("d")
    assert kept == "nothing"
    assert discs
    assert silent(tmp_path / "d.wav")
    start("a")
    assert not silent(tmp_path / "a.wav")
    assert start("t")[:2] == ("nothing", 0)
    assert " nomodeset " in start("f")[2]
    assert start("s")[2].rpartition(" console=")[2].startswith("ttyS0")
    assert "The medium is undamaged" in start("k")[3]
    assert start("o")[2].endswith(SAID)
    assert start("p")[0] == "nothing"
    assert start("p")[0] == "something"
    assert other.read_bytes() == before


def silent(sound: Path) -> bool:
    """True if nothing was to be heard. The header of a wave file has 44 bytes."""
    return not any(sound.read_bytes()[44:])
