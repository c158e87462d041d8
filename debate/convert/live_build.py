"""Converts live-build's config/ directory to a debate profile.

Sources: lb_config(1); live-build's manual, the chapters on customizing package installation and contents.
"""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from debate.convert import draft, foreign
from debate.convert.draft import Draft
from debate.convert.foreign import Foreign
from debate.distributions import debian
from debate.host.beneath import Item
from debate.profile.schema import fits
from debate.steps.choices import has_level
from debate.steps.overlay import script_faults
from debate.steps.wanted import is_covered
from debate.text import kernel_line
from debate.text.lines import lines_of

_OPTIONS = ("bootstrap", "chroot", "binary", "common", "source")
"""Files of ``KEY="value"`` lines that `lb config` writes."""
_LISTS = (".list", ".list.chroot", ".list.chroot_live", ".list.chroot_install")
_HOOKS = ("hooks", "hooks/normal", "hooks/live")
_INCLUDES = ("includes.chroot_before_packages", "includes.chroot", "includes.chroot_after_packages")
"""In the order in which live-build copies them: the later file stays."""
_DEFAULTS = dict(
    line.split("=", 1)
    for line in lines_of("""\
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
ZSYNC=true""")
)
"""What `lb config` writes by default, without ``LB_``. Ignoring a default is not a loss."""
_DEFAULT_STARTS = {"ISO_PREPARER": "live-build ", "ISO_PUBLISHER": "Debian Live project; ", "ISO_VOLUME": "Debian "}
_GENERATED = re.compile(r"@[A-Z_]{1,40}@|live-team|live-systems|DebianLive")
"""What the rest of such a default has, which depends on the version of live-build."""
_RELEASES = (
    "DISTRIBUTION", "DISTRIBUTION_CHROOT", "DISTRIBUTION_BINARY", "PARENT_DISTRIBUTION", "PARENT_DISTRIBUTION_CHROOT",
    "PARENT_DISTRIBUTION_BINARY", "DEBIAN_INSTALLER_DISTRIBUTION", "PARENT_DEBIAN_INSTALLER_DISTRIBUTION",
)  # fmt: skip
_AREAS = ("ARCHIVE_AREAS", "PARENT_ARCHIVE_AREAS")
_TEXTS = {"ISO_VOLUME": "image.label", "ISO_PUBLISHER": "image.publisher", "ISO_APPLICATION": "description"}
"""Option -> field that has its text as it is."""


def _put(fields: dict[str, Any], name: str, value: Any) -> bool:
    """Set a field that has no value. Returns False if it has another one."""
    return bool(fields.setdefault(name, value) == value)


def opened(directory: Path) -> Foreign:
    """What `lb config` wrote to ``directory`` or its config/. Raises DebateError."""
    remedy = "-d names the directory in which `lb config` was run"
    with Foreign(directory, remedy=remedy) as source:
        names = [item.path for item in source.entries() if foreign.is_directory(item)]
    return Foreign(directory, "" if "package-lists" in names else "config", remedy)


def convert(source: Foreign) -> Draft:
    """Convert a directory that `opened` returned. Raises DebateError."""
    return _Converter(source).run()


class _Converter:
    def __init__(self, source: Foreign) -> None:
        self.source = source
        self.items = source.walk()
        self.losses: list[str] = []
        self.read: set[str] = set()
        self.mirrors: list[str] = []
        self.closed: dict[str, str] = {}
        """Path in the system -> mode of each file that not everybody may read."""
        self.firmware = False

    def lose(self, path: str, fact: str) -> None:
        self.losses.append(f"{path}: {fact}")

    def below(self, directory: str) -> list[Item]:
        """What is in a directory, and what is below it."""
        return [item for item in self.items if item.path.startswith(f"{directory}/")]

    def run(self) -> Draft:
        fields: dict[str, Any] = {"distribution": "debian"}
        for name in _OPTIONS:
            fields = self.options_of(name, fields)
        compression = fields.get("image", {}).get("compression", {})
        algorithm = compression.get("algorithm", "zstd")
        if "level" in compression and not has_level(algorithm, compression["level"]):
            self.losses.append(f"level {compression.pop('level')}: {algorithm} has no such level here")
        if self.mirrors:
            self.losses.append("mirrors are settings: DEBATE_MIRROR_DEBIAN, or the host's own apt configuration")
        if self.firmware:
            self.losses.append(
                "firmware is not added by itself: name its packages, and the component non-free-firmware"
            )
        fields["packages"] = self.packages()
        overlay: dict[str, str] = {}
        for name, path in self.overlay():
            if name in overlay:
                self.lose(overlay[name], f"{path} is at the same path, and comes later")
            overlay[name] = path
        hooks: dict[str, bytes] = {}
        for name, path in self.hooks():
            if name in hooks:
                self.lose(path, "a hook of the same name comes before it")
            else:
                content = self.source.read(path)
                faults = [fact for fact, _ in script_faults(content)]
                for fact in faults:
                    self.lose(path, fact)
                if not faults:
                    hooks[name] = content
        for item in self.items:
            if item.path not in self.read and not foreign.is_directory(item):
                what = "is a link, which is not followed" if foreign.is_link(item) else "has no counterpart"
                self.lose(item.path, what)
        fields["permissions"] = [
            {"path": f"/{name}", "mode": mode}
            for name, mode in sorted(self.closed.items())
            if not is_covered(f"/{name}")
        ]
        fields = {name: value for name, value in fields.items() if value not in ({}, [], "")}
        executable = {item.path for item in self.items if foreign.is_executable(item)}
        return Draft(
            self.source,
            "a configuration of live-build",
            fields,
            overlay,
            hooks,
            tuple(self.losses),
            executable=frozenset(name for name, path in overlay.items() if path in executable),
        )

    def options_of(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """``fields`` with the options in the file ``name``. It is parsed as text and never executed."""
        self.read.add(name)
        found = dict(fields)
        for number, line in enumerate(lines_of(self.source.text(name)), 1):
            match = re.fullmatch(r"(?:export )?(LB_[A-Z0-9_]+)=(.*)", line.strip())
            if match is None:
                if line.strip() and not line.strip().startswith("#"):
                    self.lose(f"{name}:{number}", f"{line.strip()!r} is no option")
                continue
            option = match[1].removeprefix("LB_")
            try:
                value = " ".join(shlex.split(match[2], comments=True))
            except ValueError:
                self.lose(f"{name}:{number}", f"LB_{option}: its quotes do not end, or it ends with a backslash")
                continue
            if not value or self.is_default(option, value):
                continue
            if "MIRROR_" in option:
                self.mirrors.append(option)
            elif option.startswith("FIRMWARE_") and value == "true":
                self.firmware = True
            elif option == "BOOTAPPEND_LIVE":
                found.setdefault("boot", {})["arguments"] = list(self.arguments(f"{name}:{number}", value))
            elif not self.take(option, value, found):
                self.lose(f"{name}:{number}", f"LB_{option}={value!r} has no counterpart")
        return found

    def arguments(self, place: str, value: str) -> Iterator[str]:
        """The kernel arguments, without those that debate adds itself."""
        for word in kernel_line.split(value):
            if word in ("boot=live", "nonetworking"):
                continue
            if fits(word, "boot", "arguments", "*"):
                yield word
            else:
                self.lose(place, f"kernel argument {word!r}: it has quotes or other characters that GRUB changes")

    @staticmethod
    def is_default(option: str, value: str) -> bool:
        if option == "CONFIGURATION_VERSION" or value == _DEFAULTS.get(option):
            return True
        start = _DEFAULT_STARTS.get(option)
        return start is not None and value.startswith(start) and _GENERATED.search(value) is not None

    @staticmethod
    def take(name: str, value: str, fields: dict[str, Any]) -> bool:
        """Put an option into ``fields``. Returns False if it has no counterpart, or says otherwise than one before."""
        if name in _RELEASES:
            return value in debian.RELEASES and _put(fields, "release", value)
        if name in _AREAS:
            areas = list(dict.fromkeys(value.split()))
            return set(areas) <= set(debian.COMPONENTS) and _put(fields, "components", areas)
        if name in ("ARCHITECTURES", "ARCHITECTURE", "LINUX_FLAVOURS", "LINUX_FLAVOURS_WITH_ARCH"):
            return set(value.replace(":", " ").split()) <= set(debian.ARCHITECTURES)
        if name == "APT_RECOMMENDS" and value in ("true", "false"):
            return _put(fields, "recommends", value == "true")
        image = fields.setdefault("image", {})
        field = _TEXTS.get(name)
        if field and fits(value, *field.split(".")):
            group, _, one = field.rpartition(".")
            return _put(image if group else fields, one, value)
        if name == "CHROOT_SQUASHFS_COMPRESSION_TYPE" and fits(value, "image", "compression", "algorithm"):
            return _put(image.setdefault("compression", {}), "algorithm", value)
        if name == "CHROOT_SQUASHFS_COMPRESSION_LEVEL" and re.fullmatch(r"[0-9]{1,9}", value):
            return _put(image.setdefault("compression", {}), "level", int(value))
        return False

    def packages(self) -> list[str]:
        places: dict[str, str] = {}
        for item in self.below("package-lists"):
            path = item.path
            if path.count("/") == 1 and path.endswith(_LISTS):
                self.read.add(path)
                for number, raw in enumerate(lines_of(self.source.text(path)), 1):
                    line = raw.strip()
                    if line.startswith(("#if", "#endif", "! ")):
                        self.lose(f"{path}:{number}", f"{line!r}: lists have no conditions")
                    else:
                        for word in line.partition("#")[0].split():
                            places.setdefault(word, f"{path}:{number}")
        found, lost = draft.packages(places)
        self.losses += lost
        return found

    def overlay(self) -> Iterator[tuple[str, str]]:
        empty = foreign.empty_directories(self.items)
        for include in _INCLUDES:
            for item in self.below(include):
                path = item.path
                if foreign.is_directory(item):
                    if path in empty:
                        self.lose(path, foreign.EMPTY)
                    else:
                        self.keep_mode(path.removeprefix(f"{include}/"), item)
                    continue
                self.read.add(path)
                lost = self.source.cannot_copy(path, item)
                if lost:
                    self.lose(path, lost)
                else:
                    name = path.removeprefix(f"{include}/")
                    self.keep_mode(name, item)
                    yield name, path

    def keep_mode(self, name: str, item: Item) -> None:
        """Note the mode of what is at ``name`` in the system, for `permissions` if not everybody may read it."""
        self.closed.pop(name, None)
        if changed := foreign.changed_mode(item):
            if item.mode & stat.S_IROTH:
                self.lose(item.path, changed)
            else:
                self.closed[name] = f"{stat.S_IMODE(item.mode):04o}"

    def hooks(self) -> Iterator[tuple[str, str]]:
        """Names and paths of hooks, in the order in which live-build runs them, that of their names."""
        found = [item for item in self.below("hooks") if item.path.rpartition("/")[0] in _HOOKS]
        for item in sorted(found, key=lambda item: (item.path.rpartition("/")[2], item.path)):
            path, name = item.path, item.path.rpartition("/")[2]
            if foreign.is_directory(item):
                continue
            self.read.add(path)
            if foreign.is_link(item) and self.source.link(path).startswith("/usr/share/live/"):
                continue  # One of live-build's own.
            if foreign.is_link(item):
                self.lose(path, "is a link, which is not followed")
                continue
            if not name.endswith((".hook.chroot", ".chroot")):
                self.lose(path, "a hook of the image, not of the system: the ISO is made of what the profile says")
            elif not foreign.is_plain(name):
                self.lose(path, "its name has control characters, or is no UTF-8")
            else:
                yield name, path
