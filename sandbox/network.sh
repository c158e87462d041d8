#!/bin/sh
# Makes what starts a live system over a network: GRUB's images, and a second initramfs that names the files to fetch.
# in: initrd (the system's), needs (lines of a file's name, tab, what it is), files (lines of SHA-256, size and path),
#     fetch (paths in the initramfs for layers/live-boot-fetch.sh, or nothing), early.cfg,
#     firmware (lines of firmware and GRUB's target)
# out: layers, lacks (what the initramfs lacks for that, a line each), and GRUB for each firmware
set -eu
. /run/step/grub.sh

tab=$(printf '\t')
perl /run/step/initramfs.pl /run/in/initrd /run/work/initrd names > /run/work/names
while IFS=$tab read -r name words <&9; do
    grep -q "/$name\$" /run/work/names || echo "$words"
done 9< /run/in/needs > /run/out/lacks
grep -q '/kernel/drivers/net/' /run/work/names || echo 'drivers of network cards' >> /run/out/lacks

mkdir /run/work/layers
cp /run/in/files /run/work/layers/debate-files
while read -r path <&9; do
    mkdir -p "/run/work/layers/${path%/*}"
    cp /run/step/layers/live-boot-fetch.sh "/run/work/layers/$path"
done 9< /run/in/fetch
cd /run/work/layers
find . -mindepth 1 -exec chmod 0755 {} + -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible --owner=0:0 > /run/out/layers

while read -r firmware target <&9; do
    case $firmware in
    bios) grub_image "$target-pxe" -c /run/in/early.cfg -p / -o /run/out/bios pxe http net tftp ;;
    *) grub_image "$target" -c /run/in/early.cfg -p / -o "/run/out/$firmware" efinet http net tftp ;;
    esac
done 9< /run/in/firmware
