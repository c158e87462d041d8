# Sourced for `make_root ROOT` and `unmount_root ROOT`: a root directory with the mounts that scripts of packages need.
make_root() {
    mkdir -p "$1/etc" "$1/proc" "$1/sys" "$1/dev" "$1/run" "$1/tmp" "$1/var/lib/pacman"
    chmod 0555 "$1/proc" "$1/sys"
    chmod 1777 "$1/tmp"
    mount --rbind /dev "$1/dev"
    mount --rbind /proc "$1/proc"
}

unmount_root() {
    umount -l "$1/dev" "$1/proc"
}
