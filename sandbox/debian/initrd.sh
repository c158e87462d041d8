#!/bin/sh
# Makes the initramfs in a root that holds the files of the packages that matter to it, and no others.
# They are unpacked, not installed, which takes a quarter of the time. Of what maintainer scripts would
# write, an initramfs has udev's hardware database and live-boot's directory, and its scripts need awk;
# with these, it was the same byte for byte.
# in: packages/*.deb, generator    out: kernel, initrd
set -eu
root=/run/work/root
mkdir -p "$root"/dev "$root"/proc
# Before /usr was merged, packages had files in /bin and /lib; these links put them where they belong.
for name in bin lib lib64 sbin; do
    mkdir -p "$root/usr/$name"
    ln -s "usr/$name" "$root/$name"
done
find /run/in/packages -name '*.deb' -print0 | xargs -0 -n 1 -P "$(nproc)" sh -euc '
    dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$0"
' "$root"
mkdir -p "$root"/etc/live/boot
[ -e "$root"/usr/bin/awk ] || ln -s mawk "$root"/usr/bin/awk

. /run/step/initrd.sh
set -- "$root"/boot/vmlinuz-*
make_initrd "$root" "${1##*/vmlinuz-}" "$@"
