"""A system that starts over QEMU's user network: what its initramfs fetches, and whole boots."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from debate.host.http_files import offered
from tests.integration import cpio
from tests.integration.checkout import Checkout
from tests.integration.network_guest import Start, from_ipxe

PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
FETCH = """
cd "$ROOT"
mkdir -p dev proc run
mount --bind /dev dev
mount -t proc proc proc
mount -t tmpfs run run
chroot . /bin/sh -c '
. /scripts/functions
. /bin/live-boot
panic() { echo "PANIC: $*"; exit 1; }
FETCH=$1
do_httpmount || exit 2
cd "$mountpoint" && find . -type f | sort
' sh "$URL"
"""


@pytest.fixture(scope="module")
def directory(built: Checkout) -> Path:
    built.doit("netboot:minimal")
    return built.output("minimal", "netboot")


def test_the_directory(built: Checkout, directory: Path) -> None:
    """It costs no image, and is as large as its files in the cache."""
    said = built.doit("netboot:minimal")
    assert "as it was" in said
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=directory, check=True)
    images = {path.name for path in directory.rglob("*.squashfs")}
    assert images == {"1-packages.squashfs", "0-overlay.squashfs"}
    for step, name in (("rootfs", "1-packages"), ("overlay", "0-overlay")):
        image = built.object(built.artifact("minimal", step, "layer").digest)
        assert (directory / "live" / f"{name}.squashfs").read_bytes() == image.read_bytes()


@pytest.fixture(scope="module")
def initramfs(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the kernel makes of both, in their order."""
    root = tmp_path_factory.mktemp("initramfs")
    for name in ("layers.img", "live/initrd.img"):
        cpio.unpack((directory / name).read_bytes(), root)
    return root


def fetch(initramfs: Path, tmp_path: Path, there: Mapping[str, bytes], wanted: Mapping[str, bytes], url: str) -> str:
    """What it says when it fetches files with the content ``wanted``, from a server that has ``there``."""
    root = tmp_path / "server"
    for path, content in there.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    lines = (f"{hashlib.sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in wanted.items())
    (initramfs / "debate-files").write_text("".join(lines))
    with offered(root, there.keys(), "127.0.0.1", 0) as server:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", FETCH],
            env={**PATH, "ROOT": str(initramfs), "URL": url.format(server.server_port)},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
        )  # fmt: skip
    return done.stdout


FILES = {"live/image": bytes(100_000), "live/list": b"image\n"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/boot.ipxe/../", "http://127.0.0.1:{}/", "http://127.0.0.1:{}"])
def test_what_it_fetches(initramfs: Path, tmp_path: Path, url: str) -> None:
    said = fetch(initramfs, tmp_path, FILES, FILES, url)
    assert said.splitlines()[-2:] == ["./live/image", "./live/list"]
    assert "PANIC" not in said


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({**FILES, "live/list": b"imagf\n"}, "live/list: could not be fetched, or has another SHA-256 than "),
        ({"live/image": b""}, "live/image: could not be fetched, or has another SHA-256 than "),
        ({"live/list": b"image\n"}, "live/image: could not be fetched, or has another SHA-256 than "),
    ],
)  # fmt: skip
def test_what_it_refuses(initramfs: Path, tmp_path: Path, there: Mapping[str, bytes], reason: str) -> None:
    """After some tries, since networks fail."""
    said = fetch(initramfs, tmp_path, there, FILES, "http://127.0.0.1:{}/")
    assert "try 4 failed" in said
    assert f"{reason}" in said.splitlines()[-1]
    assert said.splitlines()[-1].startswith("PANIC: http://127.0.0.1:")


def test_too_little_memory(initramfs: Path, tmp_path: Path) -> None:
    (initramfs / "debate-files").unlink(missing_ok=True)
    script = FETCH.replace("FETCH=$1", 'FETCH=$1; echo "x 99999999999999 live/image" > /debate-files')
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env={**PATH, "ROOT": str(initramfs), "URL": "http://127.0.0.1:1/"},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    del tmp_path
    assert done.stdout.splitlines()[-1].startswith("PANIC: The images need 95367431 MiB of memory, and ")


def test_ipxe(directory: Path, tmp_path: Path) -> None:
    """QEMU's network card has iPXE, which reads the script by HTTP."""
    asked = from_ipxe(directory, tmp_path, "minimal login: ")
    assert asked[:4] == ["/boot.ipxe", "/live/vmlinuz", "/layers.img", "/live/initrd.img"]
    assert sorted(asked[4:]) == ["/live/0-overlay.squashfs", "/live/1-packages.squashfs", "/live/filesystem.module"]


@pytest.fixture(scope="module")
def with_dracut(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = Checkout.make(tmp_path_factory.mktemp("dracut") / "checkout", built.cache)
    checkout.profile(
        "dracut", "extends: minimal\nhostname: minimal\nboot: {network: true}\ninitrd: {generator: dracut}\n"
    )
    checkout.doit("netboot:dracut")
    return checkout.output("dracut", "netboot")


@contextmanager
def served(directory: Path) -> Iterator[Path]:
    """A directory that all may read, in which ``directory`` is as `system`."""
    with tempfile.TemporaryDirectory(prefix="debate-netboot-") as root:
        Path(root).chmod(0o755)
        shutil.copytree(directory, Path(root, "system"), copy_function=shutil.copyfile)
        yield Path(root)


WAYS = {"pxe-bios": ("bios", "grub.pxe"), "pxe-uefi": ("uefi", "grub.efi"), "http-uefi": ("uefi", "grub.efi")}


@pytest.mark.full
@pytest.mark.parametrize("generator", ["initramfs-tools", "dracut"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way(request: pytest.FixtureRequest, tmp_path: Path, generator: str, way: str) -> None:
    """Named by DHCP in a directory of the server: GRUB, and from there all else by the protocol that brought it."""
    directory: Path = request.getfixturevalue("directory" if generator == "initramfs-tools" else "with_dracut")
    firmware, name = WAYS[way]
    http = way.startswith("http")
    with served(directory) as root:
        start = Start(str(root), f"system/{name}", firmware, http, str(tmp_path / "log"), "minimal login: ")
        asked = start.boot()
    images = [str(path.relative_to(directory)) for path in directory.rglob("*.squashfs")]
    names = {f"system/{path}" for path in (name, "grub.cfg", "layers.img", *images)}
    assert names <= {path.removeprefix(f"{root}/").removeprefix("/") for path in asked["http" if http else "tftp"]}
    assert "FAILED" not in (tmp_path / "log").read_text(), "a unit failed"


@pytest.mark.full
def test_ipxe_with_dracut(with_dracut: Path, tmp_path: Path) -> None:
    from_ipxe(with_dracut, tmp_path, "minimal login: ")
