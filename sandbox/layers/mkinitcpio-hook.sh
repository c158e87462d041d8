#!/usr/bin/ash
# Mounts the root of a live system out of airootfs.sfs and the images that the file layers beside it names, the lowest
# first. archiso's hook mounts it with this function; this one is read later and takes its place.
# Source: mkinitcpio-archiso, hooks/archiso, whose variables these are; mkinitcpio(8), "Runtime hooks".

# Arguments: where the lowest layer is mounted, the new root, a path in it.
_mnt_overlayfs() {
    local medium="/run/archiso/bootmnt/${archisobasedir}/${arch}" cow="/run/archiso/cowspace/${cow_directory}"
    local stack="$1" name image mounted
    while read -r name; do
        image=$medium/$name mounted=/run/archiso/layers/$name
        # The medium is unmounted afterwards.
        if [ "$copytoram" = y ]; then
            cp "$image" "/run/archiso/copytoram/$name" || _no_layers "$image: could not be copied to memory"
            image=/run/archiso/copytoram/$name
        fi
        mkdir -p "$mounted"
        mount -t squashfs -o loop,ro "$image" "$mounted" || _no_layers "$image: could not be mounted"
        stack=$mounted:$stack
    done < "$medium/layers"
    mkdir -p "$cow/upperdir" "$cow/workdir"
    mount -t overlay -o "lowerdir=$stack,upperdir=$cow/upperdir,workdir=$cow/workdir" airootfs "$2$3" ||
        _no_layers "the layers could not be stacked"
}

_no_layers() {
    err "$1"
    echo "   You can try to fix the problem manually, log out when you are finished"
    launch_interactive_shell
}

# mkinitcpio reads at boot what has a function of such a name.
run_hook() {
    :
}
