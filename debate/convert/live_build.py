"""Converts live-build's config/ directory to a debate profile.

Sources: lb_config(1); live-build's manual, the chapters on customizing package installation and contents.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from debate.convert.draft import Draft
from debate.distributions import debian
from debate.errors import DebateError
from debate.text.paths import shown

_OPTIONS = ("bootstrap", "chroot", "binary", "common", "source")
"""Files of ``KEY="value"`` lines that `lb config` writes."""
_INCLUDES = ("includes.chroot", "includes.chroot_after_packages", "includes.chroot_before_packages")
_DEFAULTS = dict(
    line.split("=", 1)
    for line in """\
APT=apt
APT_INDICES=true
APT_SECURE=true
APT_SOURCE_ARCHIVES=true
BACKPORTS=false
BINARY_FILESYSTEM=fat32
BOOTAPPEND_LIVE_FAILSAFE=boot=live components memtest noapic noapm nodma nomce nolapic nosmp nosplash vga=788
BOOTLOADER_BIOS=syslinux
BOOTLOADER_EFI=grub-efi
BUILD_WITH_CHROOT=true
CACHE=true
CACHE_INDICES=false
CACHE_PACKAGES=true
CACHE_STAGES=bootstrap
CHECKSUMS=sha256
CHROOT_FILESYSTEM=squashfs
COMPRESSION=none
DEBCONF_FRONTEND=noninteractive
DEBCONF_PRIORITY=critical
DEBIAN_INSTALLER=none
DEBIAN_INSTALLER_GUI=true
HDD_LABEL=DEBIAN_LIVE
HDD_SIZE=auto
IMAGE_NAME=live-image
IMAGE_TYPE=iso-hybrid
INITRAMFS=live-boot
INITRAMFS_COMPRESSION=gzip
INITSYSTEM=systemd
INTERACTIVE=false
ISO_APPLICATION=Debian Live
KEYRING_PACKAGES=debian-archive-keyring
LINUX_PACKAGES=linux-image
LOADLIN=false
MEMTEST=none
MODE=debian
NET_TARBALL=true
ONIE=false
SECURITY=true
SOURCE=false
SOURCE_IMAGES=tar
SWAP_FILE_SIZE=512
SYSTEM=live
UEFI_SECURE_BOOT=auto
UNION_FILESYSTEM=overlay
UPDATES=true
UTC_TIME=false
WIN32_LOADER=false
ZSYNC=true""".splitlines()
)
"""What `lb config` writes by default, without ``LB_``. Ignoring a default is not a loss."""
_DERIVED = re.compile(
    r"LB_(CONFIGURATION_VERSION|ISO_PREPARER|(PARENT_)?DEBIAN_INSTALLER_DISTRIBUTION|PARENT_(DISTRIBUTION|ARCHIVE)\w*)"
)
"""Options that follow from others."""


def convert(directory: Path) -> Draft:
    """Convert what `lb config` wrote to ``directory`` or its config/. Raises DebateError."""
    config = directory if (directory / "package-lists").is_dir() else directory / "config"
    if not config.is_dir():
        remedy = "-d names the directory in which `lb config` was run"
        raise DebateError("not a directory", remedy, place=shown(config))
    return _Converter(config).run()


class _Converter:
    def __init__(self, config: Path) -> None:
        self.config = config
        self.losses: list[str] = []
        self.read: set[Path] = set()
        self.mirrors: list[str] = []
        self.firmware = False

    def lose(self, path: Path, fact: str) -> None:
        self.losses.append(f"{path.relative_to(self.config)}: {fact}")

    def run(self) -> Draft:
        fields: dict[str, Any] = {"distribution": "debian"}
        for name in _OPTIONS:
            fields = self.options_of(self.config / name, fields)
        if self.mirrors:
            self.losses.append("mirrors are settings: DEBATE_MIRROR_DEBIAN, or the host's own apt configuration")
        if self.firmware:
            self.losses.append(
                "firmware is not added by itself: name its packages, and the component non-free-firmware"
            )
        fields["packages"] = self.packages()
        overlay = dict(self.overlay())
        hooks = dict(self.hooks())
        for path in sorted(self.config.rglob("*")):
            if path not in self.read and (path.is_symlink() or path.is_file()):
                self.lose(path, "has no counterpart")
        fields = {name: value for name, value in fields.items() if value not in ({}, [], "")}
        return Draft("a configuration of live-build", fields, overlay, hooks, tuple(self.losses))

    def options_of(self, path: Path, fields: dict[str, Any]) -> dict[str, Any]:
        """``fields`` with the options in a file. It is parsed as text and never executed."""
        if not path.is_file():
            return fields
        self.read.add(path)
        found = dict(fields)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = re.fullmatch(r"(?:export )?(LB_[A-Z0-9_]+)=(.*)", line.strip())
            if match is None:
                continue
            name, value = match[1], " ".join(shlex.split(match[2], comments=True))
            if not value or _DERIVED.fullmatch(name) or value == _DEFAULTS.get(name.removeprefix("LB_")):
                continue
            if "MIRROR_" in name:
                self.mirrors.append(name)
            elif name.startswith("LB_FIRMWARE_") and value == "true":
                self.firmware = True
            elif "@" not in value and not self.take(name, value, found):
                self.losses.append(f"{path.name}:{number}: {name}={value!r} has no counterpart")
        return found

    @staticmethod
    def take(name: str, value: str, fields: dict[str, Any]) -> bool:
        """Put an option into ``fields``. Returns False if it has no counterpart."""
        boot, image = fields.setdefault("boot", {}), fields.setdefault("image", {})
        if name in ("LB_DISTRIBUTION", "LB_DISTRIBUTION_CHROOT", "LB_DISTRIBUTION_BINARY"):
            fields["release"] = value
            return value in debian.RELEASES
        if name in ("LB_ARCHITECTURES", "LB_ARCHITECTURE", "LB_LINUX_FLAVOURS", "LB_LINUX_FLAVOURS_WITH_ARCH"):
            return value.split(":")[0] in debian.ARCHITECTURES
        if name in ("LB_ARCHIVE_AREAS", "LB_PARENT_ARCHIVE_AREAS"):
            fields["components"] = value.split()
            return True
        if name == "LB_APT_RECOMMENDS":
            fields["recommends"] = value == "true"
            return True
        if name == "LB_BOOTAPPEND_LIVE":
            ours = ("boot=live", "nonetworking")
            boot["arguments"] = [word for word in value.split() if word not in ours]
            return True
        if name == "LB_ISO_VOLUME" and re.fullmatch(r"[A-Z0-9_.-]{1,32}", value):
            image["label"] = value
            return True
        if name == "LB_ISO_PUBLISHER" and not re.search(r"['\\]", value):
            image["publisher"] = value[:128]
            return True
        if name == "LB_ISO_APPLICATION":
            fields["description"] = value[:200]
            return True
        if name == "LB_CHROOT_SQUASHFS_COMPRESSION_TYPE" and value in ("zstd", "xz", "lz4", "gzip"):
            image.setdefault("compression", {})["algorithm"] = value
            return True
        if name == "LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL" and value.isdecimal():
            image.setdefault("compression", {})["level"] = int(value)
            return True
        return False

    def packages(self) -> list[str]:
        found = set()
        for path in sorted((self.config / "package-lists").glob("*")):
            if path.name.endswith((".list", ".list.chroot", ".list.chroot_live", ".list.chroot_install")):
                self.read.add(path)
                for number, raw in enumerate(path.read_text(errors="replace").splitlines(), 1):
                    line = raw.strip()
                    if line.startswith(("#if", "#endif", "! ")):
                        self.losses.append(f"package-lists/{path.name}:{number}: {line!r}: lists have no conditions")
                    elif line and not line.startswith("#"):
                        found |= set(line.partition("#")[0].split())
        return sorted(found)

    def overlay(self) -> Iterator[tuple[str, Path]]:
        for include in _INCLUDES:
            root = self.config / include
            for path in sorted(root.rglob("*")):
                if path.is_symlink() or path.is_file():
                    self.read.add(path)
                    if path.name != ".gitkeep":
                        yield str(path.relative_to(root)), path
                elif not path.is_dir():
                    self.lose(path, "is no file, directory or link")

    def hooks(self) -> Iterator[tuple[str, bytes]]:
        """Hooks in the order in which live-build runs them, that of their names; its own ones are symbolic links."""
        found = sorted(
            (path.name, path)
            for pattern in ("hooks/*", "hooks/normal/*", "hooks/live/*")
            for path in self.config.glob(pattern)
            if path.is_file() or path.is_symlink()
        )
        for name, path in found:
            self.read.add(path)
            if path.is_symlink():
                continue  # One of live-build's own.
            if name.endswith((".hook.chroot", ".chroot")):
                yield name, path.read_bytes()
            else:
                self.lose(path, "a hook of the image, not of the system: the ISO is made of what the profile says")
