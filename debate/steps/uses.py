"""What a path of a profile needs in the system to be of use, besides being there: a program that makes of it what
others read, as packages have it run after such files of theirs; the unit to which a link leads; a boot loader.

Sources: deb-triggers(5) and the maintainer scripts of these packages, alpm-hooks(5); dconf(7); depmod(8);
systemd.unit(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from debate.steps.unread import plain_dots

if TYPE_CHECKING:
    from debate.entry import Entry

_SHARE = "/usr/(?:local/)?share"
TRIGGERS: dict[str, str] = {
    "update-ca-trust": "/(?:etc|usr/share)/ca-certificates/trust-source/.+",
    "update-ca-certificates": rf"{_SHARE}/ca-certificates/.+|/etc/ca-certificates(?:\.conf|/update\.d/.+)",
    "dconf": r"/etc/dconf/db/[^/]+\.d/.+",
    "glib-compile-schemas": rf"{_SHARE}/glib-2\.0/schemas/[^/]+\.(?:xml|override)",
    "depmod": r"(?:/usr)?/lib/modules/.+\.ko(?:\.[^/]+)?|(?:/etc|/lib|/usr/lib)/depmod\.d/[^/]+",
    "update-mime-database": rf"{_SHARE}/mime/packages/[^/]+",
    "update-desktop-database": rf"{_SHARE}/applications/.+\.desktop",
    "gtk-update-icon-cache": "/usr/share/icons/[^/]+/.+",
    "pam-auth-update": "/usr/share/pam-configs/[^/]+",
    "locale-gen": r"/etc/locale\.gen",
}
"""Program of sandbox/triggers.sh -> the paths of which it makes something. The first that fits a path counts."""
_EACH = ("dconf", "gtk-update-icon-cache")
"""Programs for which each database, such as /etc/dconf/db/site.d, and each theme counts."""
_BOOT = (
    "the ISO's menu is made of boot.title, boot.timeout, boot.arguments and boot.console; what is for an installer "
    "needs its package; or write it in a hook"
)
_ADD = "add the package that reads it to packages: {}"
READERS: tuple[tuple[str, str, str], ...] = (
    ("/etc/default/grub(?:.d/.+)?|/etc/grub.d/.+|/boot/grub/.+", "grub-mkconfig grub-install", _BOOT),
    ("/etc/kernel/cmdline(?:.d/.+)?|/etc/cmdline.d/.+|/boot/loader/.+", "calamares archinstall ukify", _BOOT),
    ("/boot/(?:sys|ext|iso)linux/.+", "extlinux syslinux", _BOOT),
    (
        "/etc/crontab|/etc/cron.(?:d|hourly|daily|weekly|monthly)/.+",
        "cron crond fcron bcron-start anacron /usr/lib/systemd/system-generators/systemd-crontab-generator",
        "add the package cron (cronie on Arch) to packages, or write a timer of systemd",
    ),
    ("/etc/sudoers|/etc/sudoers.d/.+", "sudo sudo-rs", _ADD.format("sudo")),
    ("/etc/ssh/sshd_config(?:.d/.+)?", "sshd", _ADD.format("openssh-server (openssh on Arch)")),
    ("/etc/ssh/ssh_config(?:.d/.+)?", "ssh", _ADD.format("openssh-client (openssh on Arch)")),
    ("/etc/nftables.conf", "nft", _ADD.format("nftables")),
    ("/etc/iptables/rules.v[46]", "netfilter-persistent", _ADD.format("iptables-persistent")),
    ("/etc/netplan/.+", "netplan", _ADD.format("netplan.io")),
    ("/etc/NetworkManager/.+", "NetworkManager", _ADD.format("network-manager (networkmanager on Arch)")),
    ("/etc/network/interfaces(?:.d/.+)?", "ifup", _ADD.format("ifupdown")),
    ("/etc/wireguard/[^/]+.conf", "wg-quick wg", _ADD.format("wireguard-tools")),
    ("/etc/systemd/resolved.conf(?:.d/.+)?", "/usr/lib/systemd/systemd-resolved", _ADD.format("systemd-resolved")),
    ("/etc/systemd/timesyncd.conf(?:.d/.+)?", "/usr/lib/systemd/systemd-timesyncd", _ADD.format("systemd-timesyncd")),
    ("/etc/systemd/oomd.conf(?:.d/.+)?", "/usr/lib/systemd/systemd-oomd", _ADD.format("systemd-oomd")),
    (
        "/etc/systemd/network/[^/]+.(?:network|netdev)(?:.d/[^/]+)?|/etc/systemd/networkd.conf(?:.d/.+)?",
        "/usr/lib/systemd/systemd-networkd",
        _ADD.format("systemd-networkd"),
    ),
    ("/etc/inittab|/etc/init/.+", "initctl openrc", "write a unit of systemd: a getty is getty@.service"),
    (
        "/etc/sysctl.conf",
        "/etc/sysctl.d/99-sysctl.conf",
        "name it /etc/sysctl.d/local.conf, which systemd reads",
    ),
)
"""Pattern of paths, of which one of these programs or files reads or leads to them, and what to do without."""
_UNITS = "(?:/etc|/usr/lib|/usr/local/lib|/lib)/systemd/(system|user)/"
_KINDS = "service|socket|timer|path|mount|automount|swap|target|slice"


def _any(patterns: Iterable[str]) -> str:
    """One pattern for all, whose last group is the number of that which fits."""
    return "|".join(f"({pattern})" for pattern in patterns)


_TRIGGER = re.compile(_any(TRIGGERS.values()))
_READER = re.compile(_any(plain_dots(paths) for paths, _, _ in READERS))
_UNIT = re.compile(f"{_UNITS}.+")
_UNIT_FILE = re.compile(rf"{_UNITS}([^/]+\.(?:{_KINDS}))(?:\.d/[^/]+\.conf)?")


def triggers(tree: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Each program that has to run, and the first path for it, or the first in each of its directories."""
    programs, told = tuple(TRIGGERS), set[str]()
    for entry in tree:
        found = None if entry.type == "directory" else _TRIGGER.fullmatch(entry.path)
        if found and found.lastindex:
            program = programs[found.lastindex - 1]
            what = "/".join(entry.path.split("/")[:5]) if program in _EACH else program
            if what not in told:
                told.add(what)
                yield program, entry.path


def readers(tree: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """Each file that only some programs read, these, of which one has to be there, and what to do without."""
    for entry in tree:
        found = None if entry.type == "directory" else _READER.fullmatch(entry.path)
        if found and found.lastindex:
            _, programs, remedy = READERS[found.lastindex - 1]
            yield entry.path, programs, remedy


def unit_links(tree: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """``system`` or ``user``, path and target of each link below their directories of units."""
    for entry in tree:
        found = _UNIT.fullmatch(entry.path) if entry.type == "link" else None
        if found:
            yield found[1], entry.path, entry.target


def units(tree: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """``system`` or ``user``, path and unit of each file that is a unit or is read beside one, as UNIT.d/NAME.conf."""
    for entry in tree:
        found = _UNIT_FILE.fullmatch(entry.path) if entry.type == "file" else None
        if found:
            yield found[1], entry.path, found[2]
