#!/bin/sh
# The same ISO by hand: the usual tools, one after the other, from packages that are there already.
# usage: hand-debian.sh INPUTS IMAGES ISO (INPUTS: what the step rootfs gets; IMAGES: GRUB's boot images and menu)
set -eu
repository=$1/repository release=$(cat "$1/release") packages=$(cat "$1/packages") images=$2 iso=$3
work=$(mktemp -d "$(dirname "$iso")/hand-XXXXXX")
export TMPDIR="$work" SOURCE_DATE_EPOCH=1000000000

INITRD=No mmdebstrap --quiet --mode=root --variant=essential --format=directory --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/bash-completion/*' \
    --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
    "$release" "$work/root" "deb [trusted=yes] file:$repository $release main"

mkdir -p "$work/iso/live"
version=$(basename "$work"/root/boot/vmlinuz-* | sed 's/^vmlinuz-//')
mount --bind /dev "$work/root/dev"
mount -t proc proc "$work/root/proc"
chroot "$work/root" mkinitramfs -c zstd -l 9 -o /boot/initrd "$version"
umount "$work/root/proc" "$work/root/dev"
mv "$work/root/boot/initrd" "$work/iso/live/initrd.img"
cp "$work/root/boot/vmlinuz-$version" "$work/iso/live/vmlinuz"

mksquashfs "$work/root" "$work/iso/live/filesystem.squashfs" -noappend -quiet -no-progress \
    -comp zstd -Xcompression-level 9 -b 1M -wildcards -e 'boot/*'

. "$(dirname "$0")/hand-iso.sh"
