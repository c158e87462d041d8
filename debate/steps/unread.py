"""Files of a profile that lie where a program looks, and that it passes over without a word: for their names or modes.

What generators of an initramfs pass over is in `debate.steps.initrd`.

Sources: sudoers(5), "Including other files"; cron(8) and run-parts(8) of Debian; sysctl.d(5), modules-load.d(5),
tmpfiles.d(5), sysusers.d(5), binfmt.d(5), udev(7), systemd.network(5), systemd.unit(5); apt.conf(5), sources.list(5);
sshd_config(5) of Debian; xorg.conf(5); polkit(8); nm-settings-keyfile(5); NetworkManager.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debate.entry import Entry

CRON = "cron"
"""Debian's cron; others read more names."""
SSHD = "sshd"
_CONF = (r".*\.conf", "end its name with .conf")
_RULES = (r".*\.rules", "end its name with .rules")
_WORD = (r"[A-Za-z0-9_-]+", "give it a name of letters, digits, _ and -, without a dot")
_KINDS = "(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)"
_UNITS = "(?:/etc|/usr/lib|/usr/local/lib|/lib)/systemd/(?:system|user)/"
_OF_UNITS = rf"(?:[^/]+\.)?{_KINDS}\.(?:d|wants|requires|upholds)/"
_UNIT = (rf".+\.{_KINDS}", "end its name with .service, or as its kind of unit does")
_NAMES: tuple[tuple[str, str, tuple[str, str]], ...] = (
    (_UNITS, "systemd", _UNIT),
    (rf"{_UNITS}[^/]+\.(?:wants|requires|upholds)/", "systemd", _UNIT),
    (
        rf"{_UNITS}(?!{_OF_UNITS})[^/]+/(?:.+/)?",
        "systemd",
        (r"(?!)", "name its directory after a unit, as in ssh.service.d"),
    ),
    (
        "/usr/local/share/ca-certificates/(?:.+/)?",
        "update-ca-certificates",
        (r".*\.crt", "end its name with .crt, and let it have PEM"),
    ),
    (
        "/usr/(?:local/)?share/glib-2.0/schemas/",
        "glib-compile-schemas",
        (
            r".*\.(?:gschema\.xml|enums\.xml|gschema\.override)|gschemas\.compiled",
            "end its name with .gschema.xml or .gschema.override",
        ),
    ),
    ("/usr/(?:local/)?share/mime/packages/", "update-mime-database", (r".*\.xml", "end its name with .xml")),
    ("/etc/sudoers.d/", "sudo", (r"[^.]*[^.~]", "give it a name without a dot")),
    ("/etc/cron.d/", CRON, _WORD),
    ("/etc/cron.(?:hourly|daily|weekly|monthly)/", CRON, _WORD),
    ("/etc/update-motd.d/", "pam_motd", (f"{_WORD[0]}|_?(?:[a-z0-9_.]+-)+[a-z0-9]+", _WORD[1])),
    ("/etc/network/if-(?:pre-up|up|down|post-down).d/", "ifup", _WORD),
    ("(?:/etc|/usr/lib|/usr/local/lib)/(?:sysctl|modules-load|tmpfiles|sysusers|binfmt).d/", "systemd", _CONF),
    ("(?:/etc|/usr/lib|/usr/local/lib)/systemd/[a-z]+.conf.d/", "systemd", _CONF),
    ("(?:/etc|/usr/lib|/usr/local/lib)/systemd/(?:system|user)/[^/]+.d/", "systemd", _CONF),
    (
        "(?:/etc|/usr/lib)/systemd/network/",
        "systemd-networkd",
        (r".*\.(?:network|netdev|link|dnssd)", "end its name with .network, .netdev or .link"),
    ),
    ("(?:/etc|/usr/lib)/udev/rules.d/", "udev", _RULES),
    ("(?:/etc|/usr/share)/polkit-1/rules.d/", "polkit", _RULES),
    ("/etc/profile.d/", "the login shell", (r".*\.(?:sh|csh)", "end its name with .sh")),
    ("/etc/ld.so.conf.d/", "ldconfig", _CONF),
    ("/etc/security/limits.d/", "pam_limits", _CONF),
    ("/etc/ssh/sshd_config.d/", "sshd", _CONF),
    ("/etc/ssh/ssh_config.d/", "ssh", _CONF),
    ("/etc/rsyslog.d/", "rsyslogd", _CONF),
    ("(?:/etc|/usr/share)/X11/xorg.conf.d/", "the X server", _CONF),
    ("/etc/NetworkManager/conf.d/", "NetworkManager", _CONF),
    (
        "/etc/apt/apt.conf.d/",
        "apt",
        (r"[A-Za-z0-9_:-]+|[A-Za-z0-9_.:-]+\.conf", "give it a name without a dot, or end it with .conf"),
    ),
    (
        "/etc/apt/sources.list.d/",
        "apt",
        (r"[A-Za-z0-9_.:-]+\.(?:list|sources)", "end its name with .list or .sources"),
    ),
    (
        "/etc/apt/preferences.d/",
        "apt",
        (r"[A-Za-z0-9_:-]+|[A-Za-z0-9_.:-]+\.pref", "give it a name without a dot, or end it with .pref"),
    ),
)
"""Pattern of a directory, who reads it, and the names that it reads with the remedy for others."""
_EXECUTABLE = re.compile(
    r"/etc/(?:cron\.(?:hourly|daily|weekly|monthly)|update-motd\.d|network/if-(?:pre-up|up|down|post-down)\.d"
    r"|NetworkManager/dispatcher\.d(?:/[a-z-]+\.d)?)/[^/]+"
    r"|(?:/etc|/usr/lib|/usr/local/lib)/systemd/(?:system|user)-generators/[^/]+"
    r"|/etc/rc\.local|/etc/init\.d/[^/]+|/usr/lib/systemd/system-(?:sleep|shutdown)/[^/]+"
)
"""What is run only if it is executable."""
_PRIVATE: tuple[tuple[str, str, int, str, str], ...] = (
    ("/etc/NetworkManager/system-connections/[^/]+", "NetworkManager", 0o077, "root", ""),
    ("/etc/NetworkManager/dispatcher.d/(?:[a-z-]+.d/)?[^/]+", "NetworkManager", 0o022, "root", ""),
    ("/etc/sudoers(?:.d(?:/[^/]+)?)?", "sudo", 0o022, "root", "root"),
    ("/etc/(?:crontab|cron.d/[^/]+)", CRON, 0o022, "root", ""),
    ("/var/spool/cron/crontabs/[^/]+", CRON, 0o177, "~", ""),
    ("/etc/logrotate.(?:d/[^/]+|conf)", "logrotate", 0o022, "root", ""),
    ("/etc/(?:my.cnf|mysql/.+)", "MySQL", 0o002, "", ""),
    ("/(?:root|home/[^/]+)(?:/.ssh(?:/authorized_keys)?)?", SSHD, 0o022, "~", "~"),
    ("/(?:root|home/[^/]+)/.ssh/config", "ssh", 0o022, "~", "~"),
    ("/(?:root|home/[^/]+)/.pgpass", "PostgreSQL", 0o077, "", ""),
)
"""Pattern of paths, who passes them over if a bit of the mode is set or the owner is another, these bits, the owner,
and a group for which its bits are no harm. ``~`` is the user of the home, and as a group no harm on Debian alone.

Sources: nm-settings-keyfile(5), NetworkManager-dispatcher(8), sudoers(5), cron(8) of Debian and cronie, logrotate(8),
"Using Option Files" of MySQL and MariaDB, sshd(8) with StrictModes, ssh(1), "The Password File" of PostgreSQL.
"""
_ANYBODY = "others than root"
_SHARED: tuple[tuple[str, str], ...] = (
    ("(?:/etc|/usr/lib|/usr/local/lib)/systemd/network/[^/]+.(?:network|netdev)(?:.d/[^/]+)?", "systemd-network"),
    ("(?:/etc|/usr/lib)/systemd/networkd.conf(?:.d/[^/]+)?", "systemd-network"),
    ("(?:/etc|/usr/lib)/systemd/resolved.conf(?:.d/[^/]+)?", "systemd-resolve"),
    ("(?:/etc|/usr/lib|/usr/local/lib)/systemd/(?:network|dnssd)/[^/]+.dnssd", "systemd-resolve"),
    ("(?:/etc|/usr/lib)/systemd/timesyncd.conf(?:.d/[^/]+)?", "systemd-timesync"),
    ("(?:/etc|/usr/share|/usr/local/share)/polkit-1/(?:rules.d|actions)/[^/]+", "polkitd"),
    ("(?:/etc/apt/(?:keyrings|trusted.gpg.d)|/usr/share/keyrings)/[^/]+", "_apt"),
    ("(?:/etc|/usr/lib|/usr/local/lib|/usr/share)/systemd/user/.+", _ANYBODY),
    ("/etc/(?:profile|bash.bashrc|zsh/.+|profile.d/[^/]+)", _ANYBODY),
    ("/etc/ssh/ssh_config(?:.d/[^/]+)?", _ANYBODY),
    ("/etc/(?:hosts|host.conf|gai.conf|nsswitch.conf|resolv.conf|services|protocols|os-release|locale.conf)", _ANYBODY),
    ("/etc/(?:fonts|xdg|dconf|gtk-[234].0)/.+", _ANYBODY),
    ("/(?:etc|usr/share|usr/local/share)/ca-certificates/.+", _ANYBODY),
    ("/usr/(?:local/)?share/(?:applications|fonts|glib-2.0|icons|mime|themes|xsessions|wayland-sessions)/.+", _ANYBODY),
)
"""Pattern of paths, and the user as whom they are read, who passes them over if the mode does not let it."""
_ON_PURPOSE = re.compile(
    r"README[^/]*|\..*|.*(?:~|\.disabled|\.off|\.bak|\.old|\.orig|\.sample|\.example|\.dist|\.save|\.distUpgrade|\.ucf-[a-z]+|\.dpkg-[a-z]+|\.pac(?:new|save))"
)
"""Names that say that nothing is to read it."""


def plain_dots(pattern: str) -> str:
    """The pattern in which a dot stands for itself, unless something follows that says how often."""
    return re.sub(r"(?<!\\)\.(?![*+?])", r"\\.", pattern)


def _pattern(where: str) -> re.Pattern[str]:
    return re.compile(plain_dots(where))


_READ = tuple((_pattern(where), who, names) for where, who, names in _NAMES)
_LINKS = re.compile(rf"{_UNITS}[^/]+\.(?:wants|requires|upholds)")
_MUST_NOT = tuple((_pattern(where), who, mask, owner, group) for where, who, mask, owner, group in _PRIVATE)
_MUST = tuple((_pattern(where), who) for where, who in _SHARED)
_WITH_MODES = re.compile(
    "|".join(
        f"(?:{pattern.pattern})"
        for pattern in (_EXECUTABLE, *(row[0] for row in _MUST_NOT), *(row[0] for row in _MUST))
    )
)
"""Any of these, since most paths are none."""


@lru_cache(maxsize=256)
def _readers(directory: str) -> list[tuple[str, tuple[str, str]]]:
    """Who reads the files of a directory, with the names and the remedy. Many files are in one."""
    return [(who, names) for pattern, who, names in _READ if pattern.fullmatch(directory)]


def faults(tree: Iterable[Entry], *, others: Container[str] = ()) -> Iterator[tuple[str, str, str]]:
    """Path, fact and remedy for each of them.

    ``others``: programs for which something else reads the files in the system, by rules of its own.
    """
    for entry in tree:
        directory, slash, name = entry.path.rpartition("/")
        if entry.type == "directory" or _ON_PURPOSE.fullmatch(name):
            continue
        for who, (names, remedy) in _readers(directory + slash):
            if who not in others and not re.fullmatch(names, name):
                yield entry.path, f"{entry.path} is passed over by {who}, for its name", remedy
                break
        if entry.type == "file" and _LINKS.fullmatch(directory):
            fact = f"{entry.path} is passed over by systemd, since it is no link"
            yield entry.path, fact, "link to the unit's file, or name the unit in services.enable"


def modes(
    tree: Iterable[Entry], *, others: Container[str] = (), own_groups: bool = True
) -> Iterator[tuple[str, str, str]]:
    """The same for modes and owners. ``tree`` has those that files will have at last; what the profile does not bring
    itself has no type there, and no owner or group if that is not known. ``own_groups``: sshd does not mind them.
    """
    entries = {entry.path: entry for entry in tree}
    for path, entry in entries.items():
        if entry.type == "link" or not _WITH_MODES.fullmatch(path):
            continue
        if path.startswith(("/etc/", "/usr/")) and _ON_PURPOSE.fullmatch(path.rpartition("/")[2]):
            continue
        mode = int(entry.mode, 8)
        if entry.type == "file" and _EXECUTABLE.fullmatch(path) and not mode & 0o111:
            remedy = 'set its mode to "0755", or in an overlay make it executable'
            yield path, f"{path} is not executable, so it is not run", remedy
        for pattern, who, mask, owner, group in _MUST_NOT:
            if pattern.fullmatch(path) and who not in others:
                if who == SSHD and f"{path.partition('/.ssh')[0]}/.ssh/authorized_keys" not in entries:
                    continue
                yield from _too_open(entry, who, mask, owner, group if own_groups or group != "~" else "")
        for pattern, who in _MUST if entry.type == "file" else ():
            if pattern.fullmatch(path) and not _may_read(entry, who):
                owner = f"{entry.owner}:{entry.group}"
                fact = f"{path} cannot be read by {who}, with the mode {entry.mode} and the owner {owner}"
                yield path, fact, f'{_SET} "{mode | 0o444:04o}"'


def _too_open(entry: Entry, who: str, mask: int, owner: str, group: str) -> Iterator[tuple[str, str, str]]:
    path, mode = entry.path, int(entry.mode, 8)
    parts = path.split("/")
    user = "root" if parts[1] == "root" else parts[2] if parts[1] == "home" else parts[-1] if who == CRON else ""
    owner, group = (user if name == "~" else name for name in (owner, group))
    if group and entry.group in (group, "", "0" if group == "root" else group):
        mask &= ~0o020
    if mode & mask:
        what = "read" if mode & mask & 0o055 else "change"
        fact = f"{path} is passed over by {who}, since others may {what} it"
        yield path, fact, f'{_SET} "{mode & ~mask:04o}"'
    number = owner == user and entry.owner.isascii() and entry.owner.isdigit()  # That may be the user's.
    also = ("",) if parts[1] == "var" else ("root", "0", "")  # cron wants the user, and no other.
    if owner and not number and entry.owner not in (owner, *also):
        yield path, f"{path} is passed over by {who}, since it belongs to {entry.owner}", f"give it to {owner}"


def _may_read(entry: Entry, who: str) -> bool:
    mode = int(entry.mode, 8)
    if entry.owner == who:
        return bool(mode & 0o400)
    return bool(mode & 0o004) or (entry.group == who and bool(mode & 0o040))


_SET = "set its mode, with `mode`, or for an overlay in permissions, to"
