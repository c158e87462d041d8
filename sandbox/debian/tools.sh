#!/bin/sh
# Makes the tools tree from signed packages, with the host's own mmdebstrap.
# in: release, sources.list, packages, apt.conf    out: tools (squashfs), packages (name, version)
set -eu
release=$(cat /run/in/release)
packages=$(grep -v '^#' /run/in/packages | paste -sd, -)
root=/run/work/tools
export TMPDIR=/run/work

mmdebstrap --mode=root --variant=essential --format=directory --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt=/run/in/apt.conf \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$release" "$root" - < /run/in/sources.list

dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Package}\t${Version}\n' | sort > /run/out/packages
rm -rf "$root"/var/log/* "$root"/var/cache/ldconfig/aux-cache "$root"/var/lib/dpkg/*-old
rm -f "$root"/etc/hostname "$root"/etc/machine-id "$root"/etc/resolv.conf "$root"/etc/apt/sources.list
# Mount points for files of the host that steps with network access need.
touch "$root"/etc/machine-id "$root"/etc/resolv.conf "$root"/etc/hosts

mkdir "$root"/run/out
mount --bind /run/out "$root"/run/out
chroot "$root" mksquashfs / /run/out/tools -noappend -quiet -no-progress -wildcards \
    -comp zstd -Xcompression-level 3 -b 1M -e 'run/*' 'proc/*' 'sys/*' 'dev/*' 'tmp/*'
umount "$root"/run/out
