#!/bin/sh
# Installs the locked packages and packs them as the lowest layer.
# in: repository/, release, architecture, packages, dpkg.cfg, mksquashfs
# out: layer (squashfs), packages (tab-separated: name, version, architecture, source, its version)
set -eu
release=$(cat /run/in/release)
root=/run/work/root
# Package hooks make no initramfs here: that takes longer than all the rest, and has a step of its own.
export INITRD=No TMPDIR=/run/work
mmdebstrap --mode=root --variant=essential --format=directory \
    --architectures="$(cat /run/in/architecture)" --include="$(cat /run/in/packages)" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=/run/in/dpkg.cfg \
    --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
    "$release" "$root" "deb [trusted=yes] file:/run/in/repository $release main"

dpkg-query --admindir="$root/var/lib/dpkg" -W \
    -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' |
    sort > /run/out/packages

# What differs from run to run, belongs to one machine only, or names the builder's mirror.
cd "$root"
rm -rf var/cache/ldconfig/aux-cache var/cache/apt/*.bin var/lib/apt/lists/* tmp/* run/* \
    etc/hostname etc/resolv.conf etc/apt/sources.list etc/apt/sources.list.d/* \
    etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/apt/apt.conf.d/99mmdebstrap \
    var/lib/dpkg/*-old var/cache/debconf/*-old etc/passwd- etc/group- etc/shadow- etc/gshadow- \
    var/lib/systemd/random-seed var/lib/dbus/machine-id initrd.img initrd.img.old vmlinuz vmlinuz.old
find var/log -type f -delete
: > etc/machine-id
if ls etc/ssh/ssh_host_* > /dev/null 2>&1; then
    # Keys in an image would be the same on each machine that it starts.
    rm -f etc/ssh/ssh_host_*
    mkdir -p etc/systemd/system/ssh.service.d
    printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
        > etc/systemd/system/ssh.service.d/host-keys.conf
fi

# The kernel starts from the ISO, not from here.
xargs -a /run/in/mksquashfs mksquashfs "$root" /run/out/layer -noappend -quiet -no-progress \
    -wildcards -e 'boot/vmlinuz-*' 'boot/System.map-*' 
