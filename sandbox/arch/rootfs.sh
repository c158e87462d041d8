#!/bin/sh
# Installs the locked packages, each with a good signature, and packs them as the lowest layer.
# in: as pacman.sh and install.sh; mksquashfs
# out: layer (squashfs), packages (tab-separated: name, version, architecture, source, its version)
set -eu
. /run/step/arch/pacman.sh
root=/run/work/root
keyring >&2

mkdir -p "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp"
chmod 0555 "$root/proc" "$root/sys"
chmod 1777 "$root/tmp"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
. /run/step/arch/install.sh
install_packages "$root"
umount -l "$root/dev" "$root/proc"

cd "$root"
. /run/step/arch/clean.sh
. /run/step/arch/list.sh
list "$root"
rm -rf tmp/* run/* etc/hostname etc/resolv.conf
: > etc/machine-id
xargs -a /run/in/mksquashfs mksquashfs "$root" /run/out/layer -noappend -quiet -no-progress \
    -wildcards -e 'usr/lib/modules/*/vmlinuz' 'boot/*'
