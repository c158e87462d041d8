#!/bin/sh
# Finds the files of the ISO where they were copied to a FAT file system, whose UUID is not that of the volume.
# Runs each time that dracut has waited for devices: see dracut.modules(7), initqueue/settled.
# in: the kernel argument root=live:UUID=…; a copy has a file boot/….uuid

command -v getarg > /dev/null || . /lib/dracut-lib.sh

copied() {
    uuid=$(getarg root)
    [ "$uuid" != "${uuid#live:UUID=}" ] || return 0
    uuid=${uuid#live:UUID=}
    [ ! -e "/dev/disk/by-uuid/$uuid" ] || return 0
    mkdir -p /run/initramfs/copied /dev/disk/by-uuid
    for device in $(blkid -t TYPE=vfat -o device); do
        tried=/run/initramfs/tried-${device##*/}
        [ ! -e "$tried" ] || continue
        : > "$tried"
        mount -t vfat -o ro "$device" /run/initramfs/copied || continue
        found=
        [ ! -e "/run/initramfs/copied/boot/$uuid.uuid" ] || found=1
        umount /run/initramfs/copied
        [ "$found" ] || continue
        ln -s "$device" "/dev/disk/by-uuid/$uuid"
        /sbin/initqueue --settled --onetime --unique /sbin/dmsquash-live-root "/dev/disk/by-uuid/$uuid"
        return 0
    done
}

copied
