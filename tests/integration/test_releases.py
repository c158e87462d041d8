"""Every release of Debian that the schema names is built and boots, wherever its packages have the kernel.

In every run: one with /boot/vmlinuz-VERSION, and one with /usr/lib/modules/VERSION/vmlinuz. What other tests build is
trixie. All are built, and then booted, side by side. With DEBATE_TEST_RELEASES=all: the others, too.
"""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from debate import managers
from debate.distributions import debian
from debate.managers import shared
from debate.qemu import guest as qemu
from debate.settings import load
from tests.integration import cpio
from tests.integration.checkout import Checkout

IN_EVERY_RUN = ("bookworm", "forky")
WITH_SOURCE = "bookworm"
"""A release with modules that DKMS builds. With openssl there, it would sign them with a key that it makes."""
RELEASES = debian.RELEASES if os.environ.get("DEBATE_TEST_RELEASES") == "all" else IN_EVERY_RUN
PROFILE = """\
release: {release}
kernel: {kernel}
packages: [dbus, login]
users: [{{name: root, password_hash: ""}}]
image: {{compression: {{level: 1}}, exclude: ["/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*"]}}
boot: {{timeout: 0}}
"""


def kernel(release: str) -> str:
    """The cloud's is smaller, but bookworm's lacks drivers for optical discs."""
    return "linux-image-amd64" if release == "bookworm" else "linux-image-cloud-amd64"


def state(address: str, release: str, directory: Path) -> tuple[str, bool]:
    """The moment of a mirror's state of ``release`` (YYYYMMDDTHHMMSSZ), and whether it is past its date."""
    ask = ["/usr/lib/apt/apt-helper", "download-file", f"{address}/dists/{release}/InRelease", directory / "InRelease"]
    subprocess.run(ask, check=True, capture_output=True)
    text = (directory / "InRelease").read_text()
    lines = re.findall(r"^(Date|Valid-Until): (.*)$", text, re.MULTILINE)
    dates = {name: parsedate_to_datetime(value.replace("UTC", "+0000")) for name, value in lines}
    stale = dates.get("Valid-Until", datetime.max.replace(tzinfo=UTC)) < datetime.now(UTC)
    return f"{dates['Date']:%Y%m%dT%H%M%SZ}", stale


def require_unsigned_module(layer: Path, target: Path) -> bytes:
    """The module, which is there, and nothing in the layer is another one each time that it is built."""
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-d", target, layer, "usr/lib/modules", "etc/dkms", "var/lib/dkms"], check=True
    )
    [module] = target.glob("usr/lib/modules/*/updates/dkms/v4l2loopback.ko")
    data = module.read_bytes()
    assert b"Module signature appended" not in data
    assert list(target.glob("etc/dkms/framework.conf.d/*")) == []
    assert (target / "etc/dkms/framework.conf.d").is_dir(), "it is dkms's own"
    assert not [path for path in target.glob("var/lib/dkms/**/*") if path.name in ("log", "mok.key", "mok.pub")]
    return data


def test_releases_boot(checkout: Checkout, tmp_path: Path) -> None:
    """A mirror that is stale is refused, and what is said then makes it work."""
    mirrors = managers.get("debian").mirrors(load(Path(), {}), shared.tools_request(debian, RELEASES[0]), {})
    mirror = mirrors.addresses["debian"]
    settings = dict[str, str]()
    for release in RELEASES:
        profile = PROFILE.format(release=release, kernel=kernel(release))
        if release == WITH_SOURCE:
            profile = profile.replace("login]", "login, openssl, v4l2loopback-dkms, linux-headers-amd64]")
            profile += "initrd: {modules: [v4l2loopback]}\n"
        moment, stale = state(mirror, release, tmp_path)
        checkout.profile(release, profile)
        if stale:
            said = checkout.doit(f"lock:{release}", status=1)
            assert f"{mirror}: the archive debian: its index is past its Valid-Until, since " in said
            assert "for the archive as it was, write `snapshot:` into the profile, and set the address of dated" in said
            checkout.profile(release, f"{profile}snapshot: {moment}\n")
            settings = {"MIRROR_DEBIAN_SNAPSHOT": f"{mirror.removesuffix('debian')}{{archive}}"}
    checkout.doit(*(f"build:{release}" for release in RELEASES), **settings)
    for release in RELEASES:
        layer = checkout.object(checkout.artifact(release, "rootfs", "layer").digest)
        argv = ["unsquashfs", "-l", "-d", "", layer]
        listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert re.search(rf"/modules/[^/]+{kernel(release).removeprefix('linux-image')}/kernel/", listed)
        assert not re.search(r"vmlinuz|System\.map|^/(boot/)?initrd", listed, re.MULTILINE), "they are on the ISO alone"
        if release == WITH_SOURCE:
            module = require_unsigned_module(layer, tmp_path / "modules")
            initrd = cpio.files(checkout.object(checkout.artifact(release, "initrd", "initrd").digest).read_bytes())
            in_initrd = [data for name, data in initrd.items() if name.endswith("/v4l2loopback.ko")]
            assert in_initrd == [module], "the same as in the system"

    def boot(release: str) -> str:
        log = tmp_path / release
        guest = qemu.Guest(checkout.iso(release), "bios", log, tmp_path / f"{release}.png")
        guest.boot(marker=f"{release} login: ", timeout=600)
        return log.read_text()

    with ThreadPoolExecutor(2) as pool:
        for release, text in zip(RELEASES, pool.map(boot, RELEASES), strict=True):
            assert re.search(rf"Linux version \S+{kernel(release).removeprefix('linux-image')} ", text), release
