#!/bin/sh
# Mounts the root file system from dmsquash-live's image and those listed in LiveOS/layers, the lowest first.
# Runs before dracut's module overlayfs, which then does not mount the root file system. An overlay below that of the
# module would work, too, but the kernel allows two levels, and systemd-sysext needs the second.
# See dracut.cmdline(7), "Booting live images".
# in: /run/rootfsbase (dmsquash-live's image), /run/initramfs/live (the medium), /run/overlayfs (if persistent)

command -v getarg > /dev/null || . /lib/dracut-lib.sh

stack_layers() {
    directory=$(getarg rd.live.dir)
    directory=/run/initramfs/live/${directory:-LiveOS}
    [ -e /run/rootfsbase ] && [ -e "$directory/layers" ] || return 0
    stack=/run/rootfsbase
    while read -r name; do
        image=$directory/$name mounted=/run/initramfs/layers/$name
        if getargbool 0 rd.live.ram; then
            cp "$image" "/run/initramfs/$name" || die "$image: could not be copied to memory"
            image=/run/initramfs/$name
        fi
        mkdir -p "$mounted"
        mount -t squashfs -o loop,ro "$image" "$mounted" || die "$image: could not be mounted"
        stack=$mounted:$stack
    done < "$directory/layers"
    if getargbool 0 rd.live.overlay.readonly && [ -h /run/overlayfs-r ]; then
        stack=/run/overlayfs-r:$stack
    fi
    mkdir -m 0755 -p /run/overlayfs /run/ovlwork
    flags=$(getarg rootflags)
    mount -t overlay -o "${flags:+$flags,}lowerdir=$stack,upperdir=/run/overlayfs,workdir=/run/ovlwork" \
        LiveOS_rootfs "$NEWROOT" || die "the layers of $directory/layers could not be stacked"
}

stack_layers
