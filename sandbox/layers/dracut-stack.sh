# Mounts the root file system from dmsquash-live's image and those listed in LiveOS/layers, the lowest first.
# Runs before dracut's module overlayfs, which then does not mount the root file system. An overlay below that of the
# module would work, too, but the kernel allows two levels, and systemd-sysext needs the second.
# See dracut.cmdline(7), "Booting live images". verify.sh stands before it.
# Over a network there is no medium: livenet has fetched the lowest image, and the others are fetched here.
# in: /run/rootfsbase (dmsquash-live's image), /run/initramfs/live (the medium), /run/overlayfs (if persistent); the kernel
#     arguments debate.verify (compare the medium with its checksums) and debate.persistence=LABEL (of a file system);
#     /debate-files (over a network: lines of SHA-256, size and path, of each file below the URL in root=)

command -v getarg > /dev/null || . /lib/dracut-lib.sh

fetch_layers() {
    . /lib/url-lib.sh
    base=$(getarg root=)
    base=${base#live:}
    base=${base%LiveOS/squashfs.img}
    # fetch_url writes to its standard input.
    while read -r digest _ path <&9; do
        file=/run/initramfs/live/$path
        case $path in
        LiveOS/squashfs.img) file=$(readlink -f /run/initramfs/livedev) ;;
        LiveOS/*)
            mkdir -p "${file%/*}"
            fetch_url "$base$path" "$file" || die "$base$path: could not be fetched"
            ;;
        *) continue ;;
        esac
        echo "$digest  $file" | sha256sum -c > /dev/null || die "$base$path: has another SHA-256 than $digest"
    done 9< /debate-files
}

# Leaves the directories of the file system with the label that is asked for in $upper and $work.
persistence() {
    upper=/run/overlayfs work=/run/ovlwork
    label=$(getarg debate.persistence) || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ ! -e "/dev/disk/by-label/$label" ] || break
        sleep 1
    done
    mkdir -p /run/initramfs/persistence
    if mount "/dev/disk/by-label/$label" /run/initramfs/persistence; then
        upper=/run/initramfs/persistence/overlay work=/run/initramfs/persistence/work
    else
        tell "No file system $label could be mounted: what is written will be lost."
    fi
}

stack_layers() {
    [ ! -e /debate-files ] || [ ! -e /run/rootfsbase ] || fetch_layers
    directory=$(getarg rd.live.dir)
    directory=/run/initramfs/live/${directory:-LiveOS}
    [ -e /run/rootfsbase ] || return 0
    [ -e "$directory/layers" ] || die "$directory/layers is not there: the medium is not as it was made"
    if getargbool 0 debate.verify && ! verify_medium /run/initramfs/live; then
        tell "The medium is damaged:$damaged"
        die "The medium is damaged: do not use it"
    fi
    stack=/run/rootfsbase
    while read -r name <&9; do
        image=$directory/$name mounted=/run/initramfs/layers/$name
        if getargbool 0 rd.live.ram; then
            cp "$image" "/run/initramfs/$name" || die "$image: could not be copied to memory"
            image=/run/initramfs/$name
        fi
        mkdir -p "$mounted"
        mount -t squashfs -o loop,ro "$image" "$mounted" || die "$image: could not be mounted"
        stack=$mounted:$stack
    done 9< "$directory/layers"
    ! getargbool 0 rd.live.ram || umount -l /run/initramfs/live  # so that the medium can be removed
    if getargbool 0 rd.live.overlay.readonly && [ -h /run/overlayfs-r ]; then
        stack=/run/overlayfs-r:$stack
    fi
    persistence
    mkdir -m 0755 -p "$upper" "$work"
    flags=$(getarg rootflags)
    mount -t overlay -o "${flags:+$flags,}lowerdir=$stack,upperdir=$upper,workdir=$work" \
        LiveOS_rootfs "$NEWROOT" || die "the layers of $directory/layers could not be stacked"
}

stack_layers
