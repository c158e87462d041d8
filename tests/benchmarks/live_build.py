"""live-build with the same packages, which it finds downloaded, and the same compression.

Source: live-build(7), lb_config(1), and its scripts chroot_cache, bootstrap_debootstrap, binary_rootfs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from debate import managers
from debate.model import Locked
from debate.steps import lock, rootfs
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Cost, run, timed


class LiveBuild:
    """A configuration of live-build, in a directory of its own, that makes what the profile of ``bench`` makes."""

    def __init__(self, bench: Bench) -> None:
        self.directory = bench.directory / "live-build"
        self.directory.mkdir()
        request = bench.work("lock").slice(lock.Slice)
        packages = [Locked(**fields) for fields in bench.full.json(bench.name, "lock.json")["packages"]]
        run("lb", "config", *_options(bench), directory=self.directory)
        # By the resolver that live-build uses, but all of them: apt has nothing to add.
        wanted = [package.name for package in packages if not package.name.startswith("linux-image")]
        lists = self.directory / "config" / "package-lists"
        (lists / "all.list.chroot").write_text("".join(f"{name}\n" for name in wanted))
        assert request.distribution == "debian"
        for part in ("bootstrap", "chroot"):
            cached = self.directory / "cache" / f"packages.{part}"
            cached.mkdir(parents=True)
            for package in packages:
                version = package.version.replace(":", "%3a")
                os.link(
                    bench.store.path(package.artifact), cached / f"{package.name}_{version}_{package.architecture}.deb"
                )

    def cold(self) -> Cost:
        return timed(self._build)

    def menu(self) -> Cost:
        """What an edit of the boot menu takes: the files of the medium are made again, of the same system."""

        def again() -> None:
            run("lb", "clean", "--binary", directory=self.directory)
            self._build()

        return timed(again)

    def _build(self) -> None:
        run("lb", "build", directory=self.directory)
        if not list(self.directory.glob("*.iso")):
            sys.exit("live-build ended without an ISO; see its log")

    def iso(self) -> Path:
        return next(self.directory.glob("*.iso"))


def _options(bench: Bench) -> list[str]:
    request = bench.work("lock").slice(lock.Slice)
    addresses = managers.get(request.distribution).mirrors(bench.settings, request, {}).addresses
    mirror = addresses["debian"]
    security = addresses.get("debian-security", mirror)
    packing = bench.work("rootfs").slice(rootfs.Slice).mksquashfs
    level = packing[packing.index("-Xcompression-level") + 1]
    return [
        "--distribution", request.release, "--architectures", "amd64", "--archive-areas", " ".join(request.components),
        "--apt-recommends", "false", "--debian-installer", "none", "--memtest", "none",
        "--binary-images", "iso-hybrid", "--bootloaders", "grub-pc,grub-efi", "--initsystem", "systemd",
        "--chroot-squashfs-compression-type", "zstd", "--chroot-squashfs-compression-level", level,
        "--mirror-bootstrap", mirror, "--mirror-chroot", mirror, "--mirror-binary", mirror,
        "--mirror-chroot-security", security, "--mirror-binary-security", security,
        "--linux-flavours", "amd64", "--firmware-chroot", "false", "--firmware-binary", "false",
    ]  # fmt: skip
