#!/bin/sh
# Installs the locked packages, for pack-root.sh.
# in: repository/, release, architecture, packages, kernel, dpkg.cfg    left: root/
set -eu
. /run/step/problem.sh
. /run/step/debian/failed.sh
release=$(cat /run/in/release)
root=/run/work/root
# No initramfs is made here: that takes longer than everything else, and is a separate step.
export INITRD=No TMPDIR=/run/work
mmdebstrap --mode=root --variant=essential --format=directory \
    --architectures="$(cat /run/in/architecture)" --include="$(cat /run/in/packages)" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=/run/in/dpkg.cfg \
    --setup-hook='. /run/step/dkms.sh; unsigned_modules "$1"' \
    --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
    "$release" "$root" "deb [trusted=yes] file:/run/in/repository $release main" || failed "$root"

. /run/step/dkms.sh
. /run/step/debian/owners.sh
require_modules "$root" dpkg_owners

cd "$root"
. /run/step/debian/clean.sh
# mmdebstrap's own files, and no others: a package can have its sources there, or make resolv.conf a link.
[ -L etc/resolv.conf ] || rm -f etc/resolv.conf
rm -rf tmp/* run/* etc/hostname etc/apt/sources.list etc/apt/sources.list.d/[0-9][0-9][0-9][0-9]* \
    etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/apt/apt.conf.d/99mmdebstrap
: > etc/machine-id
