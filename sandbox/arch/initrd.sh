#!/bin/sh
# Makes the initramfs in a root that holds the files of the packages that matter to it, and no others.
# They are unpacked, not installed: no script of a package runs.
# in: packages/*.pkg.tar.*, generator, mkinitcpio.conf    out: kernel, initrd
set -eu
root=/run/work/root
mkdir -p "$root"/dev "$root"/proc "$root"/sys "$root"/run "$root"/tmp "$root"/boot
find /run/in/packages -name '*.pkg.tar*' -print0 | xargs -0 -n 1 -P "$(nproc)" sh -euc '
    tar -x -f "$1" -C "$0" --exclude=.PKGINFO --exclude=.MTREE --exclude=.INSTALL --exclude=.BUILDINFO \
        --keep-directory-symlink
' "$root"
set -- "$root"/usr/lib/modules/*/vmlinuz
if [ $# -ne 1 ] || [ ! -e "$1" ]; then
    echo "debate: expected one kernel, found: $*" >&2
    exit 1
fi
version=${1%/vmlinuz}
version=${version##*/}
mount --rbind /dev "$root"/dev
mount --rbind /proc "$root"/proc
[ ! -e "$root"/usr/bin/systemd-hwdb ] || chroot "$root" systemd-hwdb --usr update
chroot "$root" depmod "$version"
. /run/step/initrd.sh
generate "$root" "$version"
cp "$1" /run/out/kernel
