"""What a path of a profile needs in the system to be of use."""

from __future__ import annotations

import re

import pytest

from debate.entry import Entry
from debate.steps import uses
from tests.conftest import ROOT

TRIGGERS = {
    "/usr/local/share/ca-certificates/x/own.crt": "update-ca-certificates",
    "/usr/share/ca-certificates/own/x.crt": "update-ca-certificates",
    "/etc/ca-certificates.conf": "update-ca-certificates",
    "/etc/ca-certificates/update.d/x": "update-ca-certificates",
    "/etc/ca-certificates/trust-source/anchors/x.pem": "update-ca-trust",
    "/usr/share/ca-certificates/trust-source/x.p11-kit": "update-ca-trust",
    "/etc/dconf/db/site.d/00-x": "dconf",
    "/etc/dconf/db/site.d/locks/x": "dconf",
    "/usr/share/glib-2.0/schemas/x.gschema.override": "glib-compile-schemas",
    "/usr/local/share/glib-2.0/schemas/x.gschema.xml": "glib-compile-schemas",
    "/usr/lib/modules/6.1/extra/x.ko": "depmod",
    "/lib/modules/6.1/extra/x.ko.xz": "depmod",
    "/etc/depmod.d/x.conf": "depmod",
    "/lib/depmod.d/x.conf": "depmod",
    "/usr/share/mime/packages/x.xml": "update-mime-database",
    "/usr/share/applications/x.desktop": "update-desktop-database",
    "/usr/local/share/applications/kde/x.desktop": "update-desktop-database",
    "/usr/share/icons/hicolor/48x48/apps/x.png": "gtk-update-icon-cache",
    "/usr/share/pam-configs/x": "pam-auth-update",
    "/etc/locale.gen": "locale-gen",
}
"""Path -> what runs for it."""
NONE = (
    "/etc/hosts",
    "/etc/dconf/profile/user",
    "/etc/dconf/db/site",
    "/usr/share/mime/x.xml",
    "/etc/aliases",
    "/usr/share/icons/x.png",
    "/usr/lib/modules/6.1/modules.dep",
    "/usr/lib/modules-load.d/x.conf",
    "/etc/ca-certificatesXconf",
    "/usr/share/glib-2.0/schemas/gschemas.compiled",
    "/etc/default/grubby",
    "/boot/grubx",
    "/etc/systemd/system.conf",
    "/etc/systemd/network/x.link",
    "/etc/crontabs",
    "/etc/sysctlXconf",
    "/etc/ssh/moduli",
)
READERS = {
    "/etc/default/grub": "grub-mkconfig", "/etc/default/grub.d/x.cfg": "grub-mkconfig",
    "/etc/grub.d/40_custom": "grub-mkconfig", "/boot/grub/grub.cfg": "grub-install",
    "/boot/grub/themes/x/theme.txt": "grub-install", "/etc/kernel/cmdline": "calamares",
    "/etc/kernel/cmdline.d/x.conf": "calamares", "/etc/cmdline.d/x.conf": "ukify",
    "/boot/loader/entries/x.conf": "archinstall", "/boot/syslinux/syslinux.cfg": "extlinux",
    "/boot/isolinux/x": "syslinux", "/boot/extlinux/x": "extlinux",
    "/etc/crontab": "cron", "/etc/cron.d/x": "crond", "/etc/cron.daily/x": "anacron",
    "/etc/sudoers": "sudo", "/etc/sudoers.d/x": "sudo", "/etc/ssh/sshd_config": "sshd",
    "/etc/ssh/sshd_config.d/x.conf": "sshd", "/etc/ssh/ssh_config.d/x.conf": "ssh", "/etc/nftables.conf": "nft",
    "/etc/iptables/rules.v4": "netfilter-persistent", "/etc/netplan/x.yaml": "netplan",
    "/etc/NetworkManager/NetworkManager.conf": "NetworkManager",
    "/etc/NetworkManager/system-connections/x.nmconnection": "NetworkManager", "/etc/network/interfaces": "ifup",
    "/etc/network/interfaces.d/x": "ifup", "/etc/wireguard/wg0.conf": "wg-quick",
    "/etc/systemd/resolved.conf": "/usr/lib/systemd/systemd-resolved",
    "/etc/systemd/resolved.conf.d/x.conf": "/usr/lib/systemd/systemd-resolved",
    "/etc/systemd/timesyncd.conf.d/x.conf": "/usr/lib/systemd/systemd-timesyncd",
    "/etc/systemd/oomd.conf": "/usr/lib/systemd/systemd-oomd",
    "/etc/systemd/networkd.conf": "/usr/lib/systemd/systemd-networkd",
    "/etc/systemd/network/x.network": "/usr/lib/systemd/systemd-networkd",
    "/etc/systemd/network/x.netdev.d/x.conf": "/usr/lib/systemd/systemd-networkd",
    "/etc/inittab": "initctl", "/etc/init/x.conf": "initctl", "/etc/sysctl.conf": "/etc/sysctl.d/99-sysctl.conf",
}  # fmt: skip
"""A file that only some programs read -> one that does, or a file by which one does."""


def entries(paths: object, kind: str = "file", prefix: str = "") -> list[Entry]:
    assert isinstance(paths, dict | tuple)
    return [Entry(f"{prefix}{path}", kind, target="x" if kind == "link" else "") for path in paths]


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("path", TRIGGERS)
def test_what_runs_for_a_file(path: str, kind: str) -> None:
    assert list(uses.triggers(entries((path,), kind))) == [(TRIGGERS[path], path)]


def test_each_program_runs_once() -> None:
    found = list(uses.triggers(entries(TRIGGERS)))
    assert found == [(program, path) for program in dict.fromkeys(TRIGGERS.values())
                     for path in [next(each for each in TRIGGERS if TRIGGERS[each] == program)]]  # fmt: skip
    two = ("/etc/dconf/db/a.d/x", "/etc/dconf/db/a.d/y", "/etc/dconf/db/b.d/x")
    assert list(uses.triggers(entries(two))) == [("dconf", two[0]), ("dconf", two[2])]
    themes = ("/usr/share/icons/a/x.png", "/usr/share/icons/a/y.png", "/usr/share/icons/b/x.png")
    assert list(uses.triggers(entries(themes))) == [("gtk-update-icon-cache", themes[each]) for each in (0, 2)]


@pytest.mark.parametrize("path", READERS)
def test_files_that_only_some_read(path: str) -> None:
    for kind in ("file", "link"):
        [(found, programs, remedy)] = uses.readers(entries((path,), kind))
        assert found == path
        assert READERS[path] in programs.split()
        assert remedy


def test_links_of_units() -> None:
    paths = {
        "/etc/systemd/system/a.service": "system", "/usr/lib/systemd/system/x.target.wants/a.service": "system",
        "/lib/systemd/system/a.service": "system", "/usr/local/lib/systemd/user/a.service": "user",
    }  # fmt: skip
    assert list(uses.unit_links(entries(paths, "link"))) == [(kind, path, "x") for path, kind in paths.items()]
    assert list(uses.unit_links(entries(paths))) == []


def test_what_needs_nothing() -> None:
    paths = {**TRIGGERS, **READERS}
    tree = [*entries(paths, "directory"), *entries(paths, prefix="/srv"), *entries(NONE), *entries(NONE, "link")]
    for found in (uses.triggers(tree), uses.readers(tree), uses.unit_links(tree)):
        assert list(found) == []


def test_each_program_is_known_to_the_script() -> None:
    script = (ROOT / "sandbox/triggers.sh").read_text()
    named = set(re.findall(r"(?m)^    ([a-z-]+)\) echo", script)) | {"update-desktop-database", "gtk-update-icon-cache"}
    assert named == uses.TRIGGERS.keys() == set(TRIGGERS.values())
