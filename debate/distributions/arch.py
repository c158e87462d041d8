"""Arch Linux: its repositories, and the parts of its live systems.

Sources: pacman.conf(5), vconsole.conf(5), mkinitcpio(8),
https://gitlab.archlinux.org/mkinitcpio/mkinitcpio-archiso (docs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from debate.distributions import glibc
from debate.distributions.interface import Implied, LocaleParts, Networking, of, of_network
from debate.entry import Made, text_entry

if TYPE_CHECKING:
    from debate.distributions.interface import PacmanDistribution

NAME = "arch"
TITLE = "Arch"
RELEASES: tuple[str, ...] = ("rolling",)
ARCHITECTURES: tuple[str, ...] = ("x86_64",)
COMPONENTS: tuple[str, ...] = ("core", "extra", "multilib")
DEFAULT_COMPONENTS: tuple[str, ...] = ("core", "extra")
TOOLS: Mapping[str, tuple[str, ...]] = {"mkinitcpio": ("mkinitcpio", "mkinitcpio-archiso"), "dracut": ("dracut",)}
COMPRESSORS: Mapping[str, tuple[str, ...]] = {name: (name,) for name in ("zstd", "xz", "gzip", "lz4")}
LAYOUTS: Mapping[str, tuple[str, ...]] = dict.fromkeys(TOOLS, ("kbd",))
NETWORK: Mapping[str, tuple[str, ...]] = {
    "mkinitcpio": ("curl", "mkinitcpio-nfs-utils"), "dracut": ("curl", "iproute2")
}  # fmt: skip
GENERATORS: tuple[str, ...] = tuple(TOOLS)
LIVE: Mapping[str, str] = {"mkinitcpio": "archiso", "dracut": "dracut"}
MANAGER = "pacman"
TOOLS_FROM: tuple[str, ...] = ("debian", "arch")
SERVER = "$repo/os/$arch"
HOST_MIRRORS = "/etc/pacman.d/mirrorlist"
RESERVED: tuple[str, ...] = (*COMPONENTS, NAME, "options")
REPOSITORY_FIELDS: tuple[str, ...] = ()
RECOMMENDS = False
SNAPSHOTS_ARE_DAILY = True
PARTIAL_UPGRADES = False
PURL = "alpm/arch"

HOOKS = """\
HOOKS=(base udev modconf kms archiso archiso_loop_mnt block filesystems keyboard)
COMPRESSION="zstd"
COMPRESSION_OPTIONS=(-9)
"""
"""The part of mkinitcpio.conf for archiso: the hooks of its own releng profile, without those for network boot."""
MKINITCPIO = "MODULES=()\nBINARIES=()\nFILES=()\n" + HOOKS.replace(" archiso_loop_mnt", " archiso_loop_mnt live_layers")
_SHELLS = {f"/bin/{name}": (name,) for name in ("dash", "fish", "mksh", "tcsh", "zsh")}
"""Login shell that is not in every system, without /usr -> its packages."""
MEMTEST = ""
SPEECH: tuple[str, ...] = ("alsa-utils", "espeakup")
SSH_UNIT = "sshd.service"
NETWORKING: Mapping[str, Networking] = {
    "systemd-networkd": Networking((), ("iwd", "wireless-regdb")),  # systemd has networkd and resolved.
    "NetworkManager": Networking(("networkmanager",), ("wpa_supplicant", "wireless-regdb")),
}
SIGNED: Mapping[str, Mapping[str, tuple[str, str]]] = {}


def memtest(_: str) -> Mapping[str, str]:
    """See `Distribution`."""
    return {}


def default_kernel(_: str) -> str:
    return "linux"


def headers(kernel: str, _: str) -> str:
    """See `Distribution`."""
    return f"{kernel}-headers"


def implied(profile: Mapping[str, Any]) -> Iterator[Implied]:
    """See `Distribution`."""
    generator, compression = profile["initrd"]["generator"], profile["initrd"]["compression"]
    yield from of(("base",))  # It has shadow, util-linux, bash, kbd and all locales.
    yield from of(TOOLS.get(generator, ()), "initrd", "generator")
    yield from of(COMPRESSORS.get(compression, ()), "initrd", "compression")
    if profile["boot"]["network"]:
        yield from of(NETWORK.get(generator, ()), "boot", "network")
    for number, user in enumerate(profile["users"]):
        yield from of(_SHELLS.get(user["shell"].removeprefix("/usr"), ()), "users", number, "shell")
        if user["sudo"]:
            yield from of(("sudo",), "users", number, "sudo")
        if user["ssh_keys"]:
            yield from of(("openssh",), "users", number, "ssh_keys")
    if profile["timezone"] != "UTC":
        yield from of(("tzdata",), "timezone")
    yield from of_network(profile, NETWORKING)


def locale_parts(overlay: Mapping[str, Any]) -> LocaleParts:
    parts = glibc.locale_parts(overlay)
    if overlay["keymap"]:
        parts.made.append(Made("keymap", *text_entry("/etc/vconsole.conf", f"KEYMAP={overlay['keymap']}\n")))
        parts.checks.append(["console_keymap", overlay["keymap"]])
    return parts


if TYPE_CHECKING:
    import debate.distributions.arch as _module

    _: PacmanDistribution = _module  # mypy compares this module with the protocol here.
