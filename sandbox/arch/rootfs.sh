#!/bin/sh
# Installs the locked packages and verifies their signatures, for pack-root.sh.
# in: those of pacman.sh and install.sh    left: root/
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
rm -rf tmp/* run/* etc/hostname etc/resolv.conf
: > etc/machine-id
