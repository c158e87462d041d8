"""What starts with Secure Boot is what was signed, and nothing else starts.

That such an ISO comes up is in test_boot and test_every_field.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from debate.distributions import debian
from debate.errors import DebateError
from debate.qemu import guest as qemu
from debate.text import pe
from tests.integration.checkout import Checkout


def test_the_signed_bytes(built: Checkout, tmp_path: Path) -> None:
    """In the ISO's tree and on its EFI system partition they are those of the packages, which are not installed."""
    tree = built.unpack("minimal", tmp_path / "tree")
    partition, manifest = tmp_path / "esp", built.json("minimal", "manifest.json")
    packages = {package["name"]: package["sha256"] for package in manifest["unpacked"]}
    assert not packages.keys() & {package["name"] for package in manifest["packages"]}
    partition.write_bytes(esp(built.iso("minimal")))
    for name, (package, path) in debian.SIGNED["amd64"].items():
        unpacked = tmp_path / package
        subprocess.run(["dpkg-deb", "-x", built.object(packages[package]), unpacked], check=True)
        signed = (unpacked / path).read_bytes()
        assert pe.has_signature(signed)
        assert (tree / "EFI" / "BOOT" / name).read_bytes() == signed
        assert signed in partition.read_bytes()


def test_an_unsigned_kernel_does_not_start(built: Checkout, tmp_path: Path) -> None:
    iso = tmp_path / "unsigned.iso"
    shutil.copy(built.iso("minimal"), iso)
    with iso.open("r+b") as file, mmap.mmap(file.fileno(), 0) as image:
        head, place = signatures(image, built.object(built.artifact("minimal", "initrd", "kernel").digest))
        image[place : place + 8] = bytes(8)
        assert not pe.has_signature(image[head : head + pe.HEAD])
    guest = qemu.Guest(iso, "secure-boot", tmp_path / "log", tmp_path / "png")
    guest.boot(marker="(?i)bad shim signature|prohibited by secure boot policy", timeout=200)
    assert "Linux version" not in (tmp_path / "log").read_text()


def signatures(image: mmap.mmap, kernel: Path) -> tuple[int, int]:
    """Where in an ISO the kernel begins, and where that says where its signatures are: offset and size."""
    content = kernel.read_bytes()
    [start] = struct.unpack_from("<I", content, 0x3C)
    head = image.find(content[: pe.HEAD])
    assert head > 0
    return head, head + start + 24 + pe.CERTIFICATES


@pytest.fixture(scope="module")
def own(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Path]:
    """A checkout with an ISO that a new key signed, and the directory with that key and its certificate."""
    checkout = Checkout.make(tmp_path_factory.mktemp("own") / "checkout", built.cache)
    directory = tmp_path_factory.mktemp("keys")
    for name in ("own", "other"):
        words = ["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"]
        files = ["-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt"]
        subprocess.run([*words, *files], check=True, capture_output=True)
        (directory / f"{name}.key").chmod(0o600)
    checkout.profile("own", "extends: minimal\nboot: {secure: own, firmware: [uefi], arguments: [loglevel=7]}\n")
    checkout.doit("build:own", **settings(directory, "own"))
    return checkout, directory


def settings(directory: Path, key: str, certificate: str = "own") -> dict[str, str]:
    named = {"SECURE_BOOT_CERTIFICATE": str(directory / f"{certificate}.crt")}
    return {**named, "SECURE_BOOT_KEY": str(directory / f"{key}.key")} if key else named


def der(directory: Path, name: str) -> bytes:
    words = ["openssl", "x509", "-in", directory / f"{name}.crt", "-outform", "DER"]
    return subprocess.run(words, check=True, capture_output=True).stdout


def test_own_signatures_are_the_same_each_time(own: tuple[Checkout, Path]) -> None:
    """Who has what was signed needs no key; who has neither is told, and so is who has another key."""
    checkout, directory = own
    first = checkout.digest("own")
    checkout.doit("build:own", **settings(directory, ""))
    assert checkout.digest("own") == first
    part = checkout.json("own", "traces/iso.json")["parts"]["sign"]
    action = checkout.cache / "actions" / f"{part['key']}.json"
    action.unlink()
    trace = checkout.output("own", "traces", "iso.json")
    trace.unlink()
    said = checkout.doit("build:own", status=1, **settings(directory, ""))
    assert "the key for `boot: {secure: own}` is not set; set DEBATE_SECURE_BOOT_KEY" in said
    said = checkout.doit("build:own", status=3, **settings(directory, "other"))
    assert f"DEBATE_SECURE_BOOT_KEY: {directory}/other.key is not the key of {directory}/own.crt; " in said
    checkout.doit("build:own", **settings(directory, "own"))
    assert checkout.json("own", "traces/iso.json")["parts"]["sign"]["outputs"] == part["outputs"]
    assert checkout.digest("own") == first


def test_the_key_is_nowhere(own: tuple[Checkout, Path]) -> None:
    checkout, directory = own
    lines = (directory / "own.key").read_bytes().splitlines()[2:-2]
    places = [path for top in (checkout.cache, checkout.directory / "build") for path in top.rglob("*")]
    small = [path for path in places if path.is_file() and not path.is_symlink() and path.stat().st_size < 64 << 20]
    assert len(small) > 20
    assert not [path for path in small if lines[0] in (content := path.read_bytes()) or lines[-1] in content]


def test_firmware_with_the_own_certificate(own: tuple[Checkout, Path], tmp_path: Path) -> None:
    """It starts shim, that GRUB, and GRUB the kernel, but no kernel that Debian alone signed."""
    checkout, directory = own
    boot(checkout.iso("own"), der(directory, "own"), tmp_path / "own", "Linux version")
    iso = tmp_path / "debian.iso"
    shutil.copy(checkout.iso("own"), iso)
    with iso.open("r+b") as file, mmap.mmap(file.fileno(), 0) as image:
        signed = checkout.json("own", "iso.json")["kernel"]["digest"]
        head, place = signatures(image, checkout.object(signed))
        [first] = struct.unpack_from("<I", image, place)
        [size] = struct.unpack_from("<I", image, head + first)
        assert size < struct.unpack_from("<I", image, place + 4)[0], "there is a second one"
        struct.pack_into("<I", image, place + 4, -(-size // 8) * 8)
    boot(iso, der(directory, "own"), tmp_path / "debian", "(?i)bad shim signature")
    assert "Linux version" not in (tmp_path / "debian").read_text()


def test_firmware_with_another_certificate(own: tuple[Checkout, Path], tmp_path: Path) -> None:
    checkout, directory = own
    with pytest.raises(DebateError, match="does not say that Secure Boot is enabled"):
        boot(checkout.iso("own"), der(directory, "other"), tmp_path / "other", "(?i)security violation|access denied")


def boot(iso: Path, certificate: bytes, log: Path, marker: str) -> None:
    guest = qemu.Guest(iso, "secure-boot", log, log.with_suffix(".png"), certificate=certificate)
    guest.boot(marker=marker, timeout=300)


def esp(iso: Path) -> bytes:
    """The EFI system partition of an ISO, by its GPT. Source: UEFI specification 2.10, 5.3.3."""
    system = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
    with iso.open("rb") as file:
        file.seek(1024)
        entries = [file.read(128) for _ in range(128)]
        [entry] = [entry for entry in entries if entry.startswith(system)]
        first, last = struct.unpack_from("<QQ", entry, 32)
        file.seek(512 * first)
        return file.read(512 * (last - first + 1))
