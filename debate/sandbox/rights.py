"""What each kind of command may do, beyond what the shifted user namespace forbids all of them.

kind         for                                   keeps, of root's rights inside
data         the base's own tools on data          files of any owner and mode
system       users, hooks and services in the      what a package's or a hook's script changes in a
             system that is being built            root directory: owners, modes, users, chroot
bootstrap    mmdebstrap and an initramfs           the same, and mounts below the new root

None may change the network, trace or renice other processes, reboot, write audit records or set
file attributes. ``data`` cannot gain privileges from setuid files either.

Sources: capabilities(7), systemd-nspawn(1) (--drop-capability, --no-new-privileges).
"""

from __future__ import annotations

from dataclasses import dataclass

NSPAWN_GIVES = (
    "AUDIT_CONTROL", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE",
    "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_BOOT",
    "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYS_RESOURCE", "SYS_TTY_CONFIG",
)  # fmt: skip
"""What systemd-nspawn leaves a container where it is not told otherwise."""


@dataclass(frozen=True)
class Rights:
    """Capabilities that a kind of command keeps, without ``CAP_``."""

    keeps: tuple[str, ...]
    new_privileges: bool = True
    """Whether setuid files and file capabilities count."""

    @property
    def drops(self) -> tuple[str, ...]:
        """Everything else that nspawn would leave."""
        return tuple(name for name in NSPAWN_GIVES if name not in self.keeps)


_FILES = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID")
_SYSTEM = (*_FILES, "KILL", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")

TABLE = {
    "data": Rights(_FILES, new_privileges=False),
    "system": Rights(_SYSTEM),
    "bootstrap": Rights((*_SYSTEM, "SYS_ADMIN")),
}
"""Kind -> rights."""
