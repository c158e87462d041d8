"""The environment of every command in a sandbox: variables, umask, machine names and paths.

Sources: systemd-nspawn(1), environ(7), umask(2).
"""

from __future__ import annotations

VARIABLES = {
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "LIBMOUNT_FORCE_MOUNT2": "always",  # No step may make the newer calls, and mount(8) does without them only so.
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": "UTC",
}
UMASK = 0o022
"""Umask of the session, and so of each command and of the directories that the session creates."""

STEP, IN, OUT, WORK = "/run/step", "/run/in", "/run/out", "/run/work"
"""Directories for a step's scripts, its inputs, its outputs, and its temporary files."""
PROBLEMS = "/run/problems"
"""The file for complaints of a step's scripts."""
UPPER, LAYERS, LEFT = "/run/upper", "/run/layers", "/run/left"
"""The changes of earlier commands to the system, the whole system, and the temporary files of the command before, for
commands that are shown these."""

FLAGS = (
    "--hostname=debate",
    "--uuid=00000000000000000000000000000001",
    "--as-pid2",
    "--link-journal=no",
    "--timezone=off",
    "--resolv-conf=off",
)
"""Flags of systemd-nspawn with an effect that commands can see and so may write to an image. nspawn itself writes
nothing to the root directory."""
