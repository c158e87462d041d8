#!/bin/sh
# Makes the tools tree from signed packages, with the host's own pacman.
# in: those of pacman.sh; packages    left: root/
set -eu
. /run/step/arch/pacman.sh
root=/run/work/root
keyring >&2
sed -i "s,^DBPath = .*,DBPath = $root/var/lib/pacman,
    /^\[options\]/a NoExtract = usr/share/doc/* usr/share/info/* usr/share/man/* usr/share/locale/*" "$pacman/pacman.conf"

. /run/step/arch/root.sh
make_root "$root"
grep -v '^#' /run/in/packages | xargs pacman --config "$pacman/pacman.conf" --noconfirm --noprogressbar --color never \
    --root "$root" -Sy
unmount_root "$root"

cd "$root"
. /run/step/arch/clean.sh
rm -rf etc/hostname etc/machine-id tmp/* run/*
# A mount point for the certificate authorities of the host, which steps with a network need.
mkdir -p etc/ssl/certs
rm -f etc/ssl/certs/ca-certificates.crt
touch etc/machine-id etc/resolv.conf etc/hosts etc/ssl/certs/ca-certificates.crt
