#!/bin/sh
# Makes the initramfs in a root directory with only the packages that an initramfs may contain.
# They are unpacked, not installed, which takes a quarter of the time. Of the files that maintainer scripts
# write, an initramfs needs udev's hardware database, live-boot's directory and awk. With these, it is the
# same, byte for byte.
# in: packages/SHA256.deb, those of ../initrd.sh    left: kernel, initrd, warnings
set -eu
root=/run/work/root
mkdir -p "$root"/dev "$root"/proc
# Packages from before the merge of /usr have files in /bin and /lib; these links redirect them.
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
make_initrd "$root"
