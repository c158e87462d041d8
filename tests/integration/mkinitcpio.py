"""A stand-in for mkinitcpio and mkinitcpio-archiso, as packages: command line, hooks, errors as mkinitcpio(8) has them.

What it makes is an archive of the hooks, which nothing boots; test_arch_mirror boots what the real ones make.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.pacman_repository import Package, plain

COMMAND = r"""#!/bin/bash
while getopts k:c:g: option; do
    case $option in
    k) kernel=$OPTARG ;;
    c) config=$OPTARG ;;
    g) image=$OPTARG ;;
    *) exit 2 ;;
    esac
done
error() { echo "==> ERROR: $*" >&2; }
add_runscript() { cp "/usr/lib/initcpio/hooks/$hook" "$root/hooks/"; }
[ -d "/usr/lib/modules/$kernel" ] || { error "'$kernel' is not a valid kernel module directory"; exit 1; }
. "$config"
root=$(mktemp -d) status=0
mkdir "$root/hooks"
for hook in "${HOOKS[@]}"; do
    echo "  -> Running build hook: [$hook]"
    file=/etc/initcpio/install/$hook
    [ -e "$file" ] || file=/usr/lib/initcpio/install/$hook
    . "$file" && build || status=1
done
printf '%s\n' "${HOOKS[@]}" > "$root/config"
cd "$root"
find . -exec touch -h -d @0 {} +
find . | sort | cpio -o -H newc --quiet --reproducible > "$image"
[ "$status" -eq 0 ] || echo "==> WARNING: errors were encountered during the build. The image may not be complete." >&2
exit "$EXIT"
"""
_BUILD = "build() {\n    :\n}\n"
_STANDING = ("base", "udev", "modconf", "kms", "archiso_loop_mnt", "block", "filesystems", "keyboard")
_HOOKS = (*_STANDING, "keymap", "mdadm_udev")

_DEPENDS = ("bash", "coreutils", "cpio", "findutils", "grep", "kmod", "libc-bin", "liblzma5", "systemd", "udev")
"""liblzma5 is what Debian's kmod opens by name."""


def packages(work: Path, *, mounts: str = "_mnt_overlayfs", status: str = '"$status"') -> list[Package]:
    """``mounts``: what archiso's function is called that mounts the root. ``status``: with which mkinitcpio ends."""
    command = COMMAND.replace('"$EXIT"', status)
    files = {"usr/bin/mkinitcpio": command, **{f"usr/lib/initcpio/install/{hook}": _BUILD for hook in _HOOKS}}
    files["usr/lib/initcpio/install/microcode"] = 'build() {\n    cp /boot/*-ucode.img "$root"\n}\n'
    main = plain(work, "mkinitcpio", "1-1", files)
    (main.tree / "usr" / "bin" / "mkinitcpio").chmod(0o755)
    main.depends += _DEPENDS
    microcode = plain(work, "intel-ucode", "1-1", {"boot/intel-ucode.img": "microcode", "boot/others": "x"})
    archiso = plain(
        work, "mkinitcpio-archiso", "1-1",
        {
            "usr/lib/initcpio/install/archiso": "build() {\n    add_runscript\n}\n",
            "usr/lib/initcpio/hooks/archiso": f"{mounts}() {{\n    :\n}}\n",
        },
    )  # fmt: skip
    archiso.depends.append("mkinitcpio")
    return [main, archiso, microcode]
