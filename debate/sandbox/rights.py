"""The rights of each kind of command, in one table. Everything else is denied.

Sources: capabilities(7), systemd-nspawn(1) (--drop-capability, --no-new-privileges,
--system-call-filter), `systemd-analyze syscall-filter` for the groups of calls.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

NSPAWN_GIVES = (
    "AUDIT_CONTROL", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE",
    "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_BOOT",
    "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYS_RESOURCE", "SYS_TTY_CONFIG",
)  # fmt: skip
"""Capabilities that systemd-nspawn keeps for a container by default."""

_NEVER = (
    "@clock", "@cpu-emulation", "@debug", "@keyring", "@module", "@obsolete", "@raw-io", "@reboot", "@swap",
    "acct", "bpf", "fanotify_init", "fanotify_mark", "fsconfig", "fsmount", "fsopen", "fspick", "io_uring_enter",
    "io_uring_register", "io_uring_setup", "kcmp", "migrate_pages", "mount_setattr", "move_mount", "move_pages",
    "open_by_handle_at", "open_tree", "pivot_root", "process_vm_readv", "process_vm_writev", "quotactl", "quotactl_fd",
    "setns", "syslog", "userfaultfd", "vhangup",
)  # fmt: skip
"""System calls that no step needs. nspawn denies most of them to every container, but not in all versions."""
_NEVER_NOR_MOUNT = (*_NEVER, "@mount", "unshare")


@dataclass(frozen=True)
class Rights:
    """The rights of a kind of command."""

    purpose: str
    keeps: tuple[str, ...]
    """Capabilities, without ``CAP_``, in the sandbox's own user namespace."""
    denied: tuple[str, ...]
    """System calls and groups of them that fail, in addition to those that nspawn always denies."""
    writable: str
    """Where it may write."""
    network: bool = False
    """True for a proxy to the outside, on the loopback interface that all have."""
    new_privileges: bool = False
    """True where setuid files and file capabilities have an effect."""
    strangers: bool = False
    """True where programs of packages and profiles run. They have no /run/out: a later command makes the outputs, when
    all their processes have ended."""

    @property
    def key(self) -> list[object]:
        """The rights that a result can depend on."""
        return [self.keeps, self.denied, self.network, self.new_privileges, self.strangers]

    @property
    def drops(self) -> tuple[str, ...]:
        """Capabilities that nspawn would keep by default, but this kind does not have."""
        return tuple(name for name in NSPAWN_GIVES if name not in self.keeps)


_FILES = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID")
_APART = (*_FILES, "SETGID", "SETUID")
_SYSTEM = (*_FILES, "KILL", "SETFCAP", "SETGID", "SETPCAP", "SETUID")
_BOOTSTRAP = (*_SYSTEM, "SYS_ADMIN", "SYS_CHROOT")
_OWN = "/run/work, /run/out"

TABLE = {
    "data": Rights("programs of the tools tree on data", _FILES, _NEVER_NOR_MOUNT, _OWN),
    "apart": Rights(
        "readers of packages and of what vouches for them, each as a user of its own without any capability",
        _APART, _NEVER_NOR_MOUNT, f"{_OWN}; a reader: its standard output and a directory of its own",
    ),
    "fetch": Rights("apt, for a lock and for downloads", _FILES, _NEVER_NOR_MOUNT, _OWN, network=True),
    "system": Rights(
        "what runs in the system that is built: hooks, services, users, scripts of added packages",
        _SYSTEM, _NEVER_NOR_MOUNT, "that system", new_privileges=True, strangers=True,
    ),
    "bootstrap": Rights(
        "mmdebstrap or pacman with the packages' scripts, and the initramfs, which need mounts below a new root",
        _BOOTSTRAP, _NEVER, "/run/work alone", new_privileges=True, strangers=True,
    ),
    "tools": Rights(
        "mmdebstrap or pacman of the host, for the tools tree; the only one that sees the host's own tools",
        _BOOTSTRAP, _NEVER, "/run/work alone", network=True, new_privileges=True, strangers=True,
    ),
}  # fmt: skip
"""Kind -> rights."""


def markdown() -> str:
    """The table for the documentation."""
    rows = ["| kind | for | capabilities | more denied calls | may write | network |", "|---|---|---|---|---|---|"]
    for kind, has in TABLE.items():
        more = " ".join(name for name in has.denied if name not in _NEVER)
        rows.append(
            f"| `{kind}` | {has.purpose} | {' '.join(has.keeps)} | {more or 'none'} | {has.writable} | "
            f"{'a proxy' if has.network else 'none'} |"
        )
    rows += ["", "All kinds are denied", *textwrap.wrap(" ".join(_NEVER), 120, break_on_hyphens=False)]
    return "\n".join(rows) + ".\n"
