"""Debian: its archives, and the parts of its live systems.

Sources: sources.list(5), live-boot(7), initramfs-tools(7), keyboard(5), locale.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from debate.distributions import glibc
from debate.distributions.interface import Implied, LocaleParts, Networking, of, of_network
from debate.entry import Entry, Made, text_entry

if TYPE_CHECKING:
    from debate.distributions.interface import AptDistribution

NAME = "debian"
TITLE = "Debian"
RELEASES: tuple[str, ...] = ("trixie", "bookworm", "forky", "sid")
ARCHITECTURES: tuple[str, ...] = ("amd64",)
COMPONENTS: tuple[str, ...] = ("main", "contrib", "non-free", "non-free-firmware")
DEFAULT_COMPONENTS: tuple[str, ...] = ("main",)
TOOLS: Mapping[str, tuple[str, ...]] = {
    "initramfs-tools": ("initramfs-tools", "live-boot", "live-boot-initramfs-tools", "mount", "zstd"),
    "dracut": ("dracut", "dracut-live", "mount", "systemd-sysv", "zstd"),
}
COMPRESSORS: Mapping[str, tuple[str, ...]] = {
    "zstd": ("zstd",),
    "xz": ("xz-utils",),
    "gzip": ("gzip",),
    "lz4": ("lz4",),
}
LAYOUTS: Mapping[str, tuple[str, ...]] = dict.fromkeys(TOOLS, ("console-setup",))
NETWORK: Mapping[str, tuple[str, ...]] = {"dracut": ("curl", "dracut-network", "iproute2")}
GENERATORS: tuple[str, ...] = tuple(TOOLS)
LIVE: Mapping[str, str] = {"initramfs-tools": "live_boot", "dracut": "dracut"}
MANAGER = "apt"
TOOLS_FROM: tuple[str, ...] = ("debian",)
ARCHIVES: Mapping[str, tuple[str, ...]] = {
    "debian": ("{release}", "{release}-updates"),
    "debian-security": ("{release}-security",),
}
ROLLING: tuple[str, ...] = ("sid", "unstable", "testing")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ORIGIN = "Debian"
TOOLS_RELEASE = "trixie"
RESERVED: tuple[str, ...] = tuple(ARCHIVES)
REPOSITORY_FIELDS: tuple[str, ...] = ("suites", "components")
RECOMMENDS = True
SNAPSHOTS_ARE_DAILY = False
PARTIAL_UPGRADES = True
PURL = "deb/debian"

_LIVE = ("busybox", "systemd-sysv", "udev")
"""Packages that every live system needs to boot, in addition to those that make the initramfs."""
_CRYPT = {"initramfs-tools": ("cryptsetup-initramfs",)}
"""Generator -> the packages by which its initramfs opens an encrypted device."""
_SHELLS = {f"/bin/{name}": (name,) for name in ("fish", "mksh", "tcsh", "yash", "zsh")}
"""Login shell that is not in every system, without /usr -> its packages."""
MEMTEST = "memtest86+"
SPEECH: tuple[str, ...] = ("alsa-utils", "espeakup")
SSH_UNIT = "ssh.service"
NETWORKING: Mapping[str, Networking] = {
    "systemd-networkd": Networking(("systemd-resolved",), ("iwd", "wireless-regdb")),
    "NetworkManager": Networking(("network-manager",), ("wpasupplicant", "wireless-regdb")),
}
SIGNED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "amd64": {
        "BOOTX64.EFI": ("shim-signed", "usr/lib/shim/shimx64.efi.signed"),
        # The one for removable media, which reads /boot/grub/grub.cfg of the medium that it was started from.
        "grubx64.efi": ("grub-efi-amd64-signed", "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"),
    },
}


def memtest(release: str) -> Mapping[str, str]:
    """See `Distribution`."""
    if release in ("bookworm", "trixie"):
        return {"memtest-bios": "boot/memtest86+x64.bin", "memtest-uefi": "boot/memtest86+x64.efi"}
    return dict.fromkeys(("memtest-bios", "memtest-uefi"), "boot/mt86+x64")


def default_kernel(architecture: str) -> str:
    return f"linux-image-{architecture}"


def headers(kernel: str, version: str) -> str:
    """See `Distribution`."""
    follows = kernel.startswith("linux-image-") and version not in kernel
    return kernel.replace("linux-image-", "linux-headers-", 1) if follows else f"linux-headers-{version}"


def implied(profile: Mapping[str, Any]) -> Iterator[Implied]:
    """See `Distribution`."""
    initrd, kept = profile["initrd"], profile["persistence"]
    generator, compression = initrd["generator"], initrd["compression"]
    yield from of(_LIVE)
    yield from of(TOOLS.get(generator, ()), "initrd", "generator")
    yield from of(COMPRESSORS.get(compression, ()), "initrd", "compression")
    if profile["boot"]["network"]:
        yield from of(NETWORK.get(generator, ()), "boot", "network")
    if kept and kept["encrypted"]:
        yield from of(_CRYPT.get(generator, ()), "persistence", "encrypted")
    if profile["users"]:
        yield from of(("login", "passwd"), "users")
    for number, user in enumerate(profile["users"]):
        yield from of(_SHELLS.get(user["shell"].removeprefix("/usr"), ()), "users", number, "shell")
        if "sudo" in user["groups"]:
            yield from of(("sudo",), "users", number, "groups", user["groups"].index("sudo"))
        if user["sudo"]:
            yield from of(("sudo",), "users", number, "sudo")
        if user["ssh_keys"]:
            yield from of(("openssh-server",), "users", number, "ssh_keys")
    if profile["locale"] != "C.UTF-8":
        yield from of(("locales",), "locale")
    if profile["keymap"]:
        yield from of(("console-setup",), "keymap")
    if profile["timezone"] != "UTC":
        yield from of(("tzdata",), "timezone")
    yield from of_network(profile, NETWORKING)


def locale_parts(overlay: Mapping[str, Any]) -> LocaleParts:
    parts = glibc.locale_parts(overlay)
    # From trixie on, systemd-tmpfiles makes this link at boot in any case.
    parts.made.append(Made("locale", Entry("/etc/default/locale", "link", mode="0777", target="../locale.conf")))
    if overlay["keymap"]:
        layout, _, variant = overlay["keymap"].partition("-")
        parts.checks.append(["xkb", layout, *([variant] if variant else [])])
        text = f'XKBMODEL="pc105"\nXKBLAYOUT="{layout}"\nXKBVARIANT="{variant}"\nXKBOPTIONS=""\nBACKSPACE="guess"\n'
        parts.made.append(Made("keymap", *text_entry("/etc/default/keyboard", text)))
    parts.made.append(Made("timezone", *text_entry("/etc/timezone", f"{overlay['timezone']}\n")))
    return parts


if TYPE_CHECKING:
    import debate.distributions.debian as _module

    _: AptDistribution = _module  # mypy compares this module with the protocol here.
