"""What a profile names and the system does not have is refused: at boot it would be passed over in silence."""

from __future__ import annotations

import json
import re

import pytest

from tests.integration.checkout import Checkout

PROFILE = "extends: minimal\nbase: minimal\npackages: [console-setup, locales, tzdata]\n"


@pytest.fixture(scope="module")
def mine(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("overlay") / "checkout", built.cache)
    checkout.pin(built)
    (checkout.directory / "profiles" / "nowhere").write_text("#!/usr/bin/env -S nothing\ntrue\n")
    return checkout


@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        ("locale: de_DD.UTF-8", "de_DD", "locale: the system has no de_DD.UTF-8; .* this language: de_AT .*de_DE"),
        ("timezone: Europe/Berlim", "Europe", "timezone: the system has no Europe/Berlim; .*such as .*Europe/Berlin"),
        ("timezone: Europe", "Europe", "timezone: the system has no Europe; "),
        ("keymap: dee", "dee", "keymap: the system has no layout dee; choose one of .* de "),
        ("keymap: de-nodeadkey", "de-no", "keymap: the layout de has no variant nodeadkey; choose .*nodeadkeys"),
        ("users: [{name: live, shell: /bin/ksh}]", "/bin", "users: live: the system has no shell /bin/ksh; add "),
        ("users: [{name: live, groups: [adm, sodu]}]", "sodu", "users: live: the system has no group sodu; add "),
        ("services: {enable: [shh]}", "shh", "services: the system has no unit shh.service; check its name, or add "),
        ("services: {mask: [apt-dialy.timer]}", "apt-", "services: the system has no unit apt-dialy.timer; did you me"),
        ("services: {enable: [emergency]}", "em", "services: emergency.service has no section .Install., so it cannot"),
        ("services: {enable: [dbus-org.freedesktop.network1]}", "db", "services: dbus-org.freedesktop.network1.servi"),
        ("services: {enable: [multi-user.target]}", "mu", "services: multi-user.target has no .*write systemd"),
        ("services: {disable: [apt-daily]}", "apt", "services: apt-daily.service .* disable apt-dail"),
        ("services: {enable: [getty@tty2], mask: [getty.target]}", "getty@", "services: getty@tty2.service is ena"),
        ("services: {disable: [dbus]}", "dbus", "services: dbus.service is started by multi-user.target, whether it i"),
        ("services: {enable: [autovt@tty4]}", "au", "services: autovt@tty4.service is another name of getty@tty4.serv"),
        ("permissions: [{path: /etc/motdd, mode: '0600'}]", "/etc", "permissions: the system has no file /etc/motdd; "),
        ("permissions: [{path: /etc/hosts, mode: '0644', owner: wwwdata}]", "wwwd", "permissions: /etc/hosts: the sys"),
        ("permissions: [{path: /etc/hosts, mode: '0644', group: wwwdata}]", "wwwd", "permissions: /etc/hosts: the sys"),
        ("files: [{path: /etc/x, content: x, owner: wwwdata}]", "wwwd", "files: /etc/passwd has no wwwdata to own fil"),
        ("files: [{path: /etc/os-release/x}]", "/etc/os", "files: /etc/os-release/x: /etc/os-release is a file in the"),
        ("files: [{path: /usr/bin}]", "/usr", "files: /usr/bin is a directory in the system, and a file cannot take "),
        ("files: [{path: /sbin}]", "/sbin", "files: /sbin is a link to the directory /usr/"),
        ("files: [{path: /var/lock}]", "/var", "files: /var/lock is a link to the directory /run/lock in the "),
        ("files: [{path: /bin/x}, {path: /usr/bin/x, content: x}]", "/usr", "files: /usr/bin/x and /bin/x are the sam"),
        ("files: [{path: /etc/dconf/db/a.d/b}]", "/etc", "files: /etc/dconf/db/a.d/b: no profile of dconf has system"),
        ("files: [{path: /etc/default/grub}]", "/etc", "files: /etc/default/grub: nothing in the system reads it, and"),
        ("users: [{name: a}]\nfiles: [{path: /etc/passwd, content: 'a:x:1000:1000::/:/x'}]", "a}", "users: a has th"),
        ("users: [{name: a}]\nfiles: [{path: /etc/group, content: 'a:x:77:'}]", "a}", "users: a has the gid 1000, wh"),
        ("files: [{path: /etc/passwd, content: 'a:x:33:33::/:'}]", "/etc", "files: /etc/passwd: a has the uid 33 of"),
        ("locale: de_DE.UTF-8\nfiles: [{path: /etc/locale.gen}]", "de_DE", "locale: /etc/locale.gen is the profile's"),
        ("users: [{name: www-data}]", "www", "users: a package has made the user www-data; choose another name; a ho"),
        ("users: [{name: audio}]", "audio", "users: a package has made the group audio, so a user audio could"),
        ("users: [{name: live, uid: 33}]", "33", "users: live: the uid 33 is that of www-data in the system; choos"),
        ("files: [{path: /lib64/ld-linux-x86-64.so.2}]", "/lib64", "files: awk does not start any more, with /lib64/"),
        ("permissions: [{path: /usr/bin/sh, mode: '0755'}]", "/usr", "permissions: /usr/bin/sh is a link, which has n"),
        ("hooks: [nowhere]", "nowhere", "hooks: nowhere: the system has no nothing to run it; add the package that"),
    ],
)  # fmt: skip
def test_what_the_system_lacks(mine: Checkout, text: str, value: str, message: str) -> None:
    """Each is told at the value in the profile."""
    mine.profile("mine", f"{PROFILE}{text}\n")
    said = mine.doit("overlay:mine", status=1)
    assert re.search(f"^profiles/mine.yaml:5:{text.index(value) + 1}: {message}", said, re.MULTILINE), said


def test_all_are_told_at_once(mine: Checkout) -> None:
    mine.profile(
        "mine",
        f"{PROFILE}locale: de_DD.UTF-8\ntimezone: Europe/Berlim\nkeymap: capslock\nservices: {{enable: [shh]}}\n"
        "permissions: [{path: /etc/motdd, mode: '0600'}]\nusers: [{name: live, shell: /bin/ksh, groups: [sodu]}]\n"
        "files: [{path: /etc/x, owner: wwwdata}]\n",
    )
    said = mine.doit("overlay:mine", status=1)
    found = re.findall(r"^profiles/mine.yaml:([0-9]+):[0-9]+: (\w+): .* has no ", said, re.MULTILINE)
    fields = ["locale", "timezone", "keymap", "services", "permissions", "users", "users", "files"]
    assert sorted(found) == sorted(zip(map(str, [5, 6, 7, 8, 9, 10, 10, 11]), fields, strict=True)), said


SETTINGS = {
    "/etc/sudoers.d/a": ("root ALL=XX\n", "visudo says: 1:12: Cmnd_Alias"),
    "/etc/sudoers.d/b": ("%sodu ALL=ALL\n", "the system has no group sodu"),
    "/etc/ssh/sshd_config.d/x.conf": ("PermitRotLogin yes\n", "sshd says: line 1: Bad configuration option"),
    "/etc/ssh/ssh_config.d/x.conf": ("Host x\n Foo bar\n", "ssh says: line 2: Bad configuration option"),
    "/etc/modules-load.d/x.conf": ("vfat\nnosuch\n", "systemd says: no kernel of the system has a module nosuch"),
    "/etc/modprobe.d/x.conf": ("options loop max_lop=1\n", "modprobe says: the module loop has no option max_lop"),
    "/etc/modprobe.d/y.conf": ("blacklst loop\n", "modprobe says: line 1: ignoring bad line"),
    "/etc/udev/rules.d/x.rules": ('KERNL=="x", MODE="0600"\n', "udev says: 1 Invalid key 'KERNL'"),
    "/etc/tmpfiles.d/x.conf": ("d /srv/x 0755 nobdy - -\n", "systemd says: 1: Failed to resolve user 'nobdy'"),
    "/etc/sysusers.d/x.conf": ("x y\n", "systemd says: 1: Unknown command type 'x'"),
    "/etc/logrotate.d/x": ("/var/log/x {\n wekly\n}\n", "logrotate says: 2 unknown option 'wekly'"),
    "/etc/systemd/network/x.network": ("[Network]\nDHPC=yes\n", "systemd says: 2: unknown key DHPC in section Network"),
    "/etc/systemd/network/x.link": (
        "[Match]\nMACAdress=x\n",
        "systemd says: 2: unknown key MACAdress in section Match",
    ),
    "/etc/systemd/logind.conf": (
        "[Login]\nHandlePowerKye=x\n",
        "systemd says: 2: unknown key HandlePowerKye in section",
    ),
    "/etc/netplan/x.yaml": (
        "network: {}\n",
        "nothing in the system reads it; add the package that reads it to packages: net",
    ),
}
"""A file -> its text, and what is said of it in a system that has all these programs but the last."""


def test_what_programs_pass_over(mine: Checkout) -> None:
    """Also in what hooks leave; and what is right is not refused."""
    packages = "extends: minimal\nbase: minimal\npackages: [sudo, openssh-server, udev, kmod, logrotate]\n"
    listed = "".join(f"  - {{path: {path}, content: {json.dumps(text)}}}\n" for path, (text, _) in SETTINGS.items())
    mine.profile("mine", f"{packages}files:\n{listed}")
    said = mine.doit("overlay:mine", status=1)
    for number, (path, (_, words)) in enumerate(SETTINGS.items(), 6):
        assert f"profiles/mine.yaml:{number}:12: files: {path}: {words}" in said, (path, said)
    assert len(re.findall(r"(?m)^profiles/", said)) == len(SETTINGS), said
    right = {
        "/etc/sudoers.d/a": "User_Alias OURS = bin\n", "/etc/sudoers.d/b": "OURS ALL=(root:adm) NOPASSWD: ALL\n",
        "/etc/ssh/sshd_config.d/x.conf": "PermitRootLogin yes\nMatch User x\n PasswordAuthentication no\n",
        "/etc/modules-load.d/x.conf": "# x\nloop\n",
        "/etc/modprobe.d/x.conf": "blacklist x\noptions loop max_loop=1\n",
        "/etc/udev/rules.d/x.rules": 'KERNEL=="x", GROUP="comes", MODE="0660"\n', "/etc/sysusers.d/x.conf": "g comes\n",
        "/etc/tmpfiles.d/x.conf": "d /srv/x 0755 root comes -\n", "/etc/logrotate.d/x": "/var/log/x {\n weekly\n}\n",
        "/etc/systemd/network/x.network": "[Match]\nName=e*\n[Network]\nDHCP=yes\n[DHCPv4]\nUseDNS=no\n",
        "/etc/systemd/network/x.link": "[Match]\nMACAddress=00:11:22:33:44:55\n[Link]\nMTUBytes=1400\n",
    }  # fmt: skip
    listed = "".join(f"  - {{path: {path}, content: {json.dumps(text)}}}\n" for path, text in right.items())
    mine.profile("mine", f"{packages}files:\n{listed}")
    mine.doit("overlay:mine")
    hook = "sed -i 's/^#PermitRootLogin.*/PermitRotLogin yes/' /etc/ssh/sshd_config\n"
    hook += "printf '[Service]\\nExecStart=/bin/true\\nUser=nobdy\\n' > /etc/systemd/system/left.service\n"
    (mine.directory / "profiles" / "leaves.sh").write_text(hook)
    mine.profile("mine", f"{packages}hooks: [leaves.sh]\nfiles:\n{listed}")
    said = mine.doit("overlay:mine", status=1)
    assert (
        "mine.yaml:5:9: hooks: leaves.sh leaves /etc/systemd/system/left.service: the system has no user nobdy" in said
    )
    assert re.search(
        r"mine.yaml:5:9: hooks: leaves.sh leaves /etc/ssh/sshd_config: sshd says: line \d+: Bad conf", said
    )


def test_what_it_has(mine: Checkout) -> None:
    mine.profile(
        "mine",
        f"{PROFILE}locale: ca_ES.UTF-8@valencia\ntimezone: America/Argentina/Ushuaia\nkeymap: de-nodeadkeys\n"
        "users: [{name: live, shell: /bin/dash, groups: [adm]}, {name: other, uid: 1000}]\n"
        "files: [{path: /etc/skel/d/f, mode: '0400', content: x}, {path: /home/other/d/g}]\n"
        "permissions: [{path: /etc/skel/d, mode: '2750'}]\n"
        "services: {mask: [apt-daily.timer, getty@tty3, ctrl-alt-del.target], disable: [fstrim.timer, getty@tty1],\n"
        "  enable: [systemd-networkd, getty@tty2]}\n",  # So a directory of links is replaced by another.
    )
    mine.doit("overlay:mine")
