#!/bin/sh
# Makes the tools tree from signed packages, with the host's own mmdebstrap.
# in: release, sources.list, packages    left: root/
set -eu
release=$(cat /run/in/release)
packages=$(grep -v '^#' /run/in/packages | paste -sd, -)
root=/run/work/root
export TMPDIR=/run/work

xargs -a /run/in/sources.list -d '\n' mmdebstrap --mode=root --variant=essential --format=directory --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$release" "$root"

rm -rf "$root"/var/log/* "$root"/var/cache/ldconfig/aux-cache "$root"/var/lib/dpkg/*-old
rm -f "$root"/etc/hostname "$root"/etc/machine-id "$root"/etc/resolv.conf "$root"/etc/apt/sources.list
touch "$root"/etc/machine-id "$root"/etc/resolv.conf "$root"/etc/hosts
