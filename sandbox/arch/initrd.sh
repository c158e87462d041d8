#!/bin/sh
# Makes the initramfs in a root directory with only the packages that an initramfs may contain.
# They are unpacked, not installed, so no scripts of packages run.
# in: packages/SHA256, those of ../initrd.sh    left: kernel, initrd, warnings
set -eu
root=/run/work/root
mkdir -p "$root"/dev "$root"/proc "$root"/sys "$root"/run "$root"/tmp "$root"/boot
find /run/in/packages -type f -print0 | xargs -0 -n 1 -P "$(nproc)" sh -euc '
    tar -x -f "$1" -C "$0" --exclude=.PKGINFO --exclude=.MTREE --exclude=.INSTALL --exclude=.BUILDINFO \
        --keep-directory-symlink
' "$root"
. /run/step/initrd.sh
make_initrd "$root"
