#!/bin/sh
# Installs the locked packages, verifies their signatures, and packs them as the lowest layer.
# in: those of pacman.sh and install.sh; mksquashfs
# out: layer (squashfs), packages (tab-separated: name, version, architecture, source, its version)
set -eu
. /run/step/arch/pacman.sh
root=/run/work/root
keyring >&2

. /run/step/arch/root.sh
make_root "$root"
. /run/step/arch/install.sh
install_packages "$root"
unmount_root "$root"

cd "$root"
. /run/step/arch/clean.sh
. /run/step/arch/list.sh
list "$root"
rm -rf tmp/* run/* etc/hostname etc/resolv.conf
: > etc/machine-id
. /run/step/mksquashfs.sh
pack "$root" /run/out/layer 'usr/lib/modules/*/vmlinuz' 'boot/*'
