"""What every command in a sandbox finds: variables, umask, names of the machine, and places.

Sources: systemd-nspawn(1), environ(7), umask(2).
"""

from __future__ import annotations

VARIABLES = {
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": "UTC",
}
UMASK = 0o022
"""Of the session, and so of each command and of the directories that it makes for them."""

IN, OUT, WORK = "/run/in", "/run/out", "/run/work"
"""Where a step finds its inputs, leaves its outputs, and may write what it likes."""
UPPER, LAYERS = "/run/upper", "/run/layers"
"""What earlier commands changed in the system, and the whole system, for the commands that are shown these."""

FLAGS = (
    "--hostname=debate",
    "--uuid=00000000000000000000000000000001",
    "--as-pid2",
    "--link-journal=no",
    "--timezone=off",
    "--resolv-conf=off",
)
"""Flags of systemd-nspawn that a command can see the effect of: what it is told here it may write into an image. nspawn
itself writes nothing into a root."""
