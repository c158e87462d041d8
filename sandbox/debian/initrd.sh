#!/bin/sh
# Makes the initramfs in a root that holds only the packages that matter to it.
# in: repository/, release, architecture, packages    out: kernel, initrd
set -eu
. /run/step/debian/bootstrap.sh
root=/run/work/root
bootstrap "$root" --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='
        set -eu
        set -- "$1" "$1"/boot/vmlinuz-*
        if [ $# -ne 2 ]; then
            echo "debate: expected one kernel, found: $*" >&2
            exit 1
        fi
        version=${2##*/vmlinuz-}
        chroot "$1" depmod "$version"
        unset INITRD
        chroot "$1" mkinitramfs -c zstd -l 9 -o /boot/initrd "$version"
    '
cp "$root"/boot/vmlinuz-* /run/out/kernel
cp "$root"/boot/initrd /run/out/initrd
