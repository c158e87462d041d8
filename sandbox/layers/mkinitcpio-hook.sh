#!/usr/bin/ash
# Mounts the root file system from airootfs.sfs and the images listed in the file `layers` next to it, the lowest first.
# archiso's hook calls this function; this definition is read later and replaces its own.
# Over a network, archiso_pxe_http has fetched airootfs.sfs alone, and the others are fetched here.
# Source: mkinitcpio-archiso, hooks/archiso, whose variables these are; mkinitcpio(8), "Runtime hooks".

# Arguments: mount point of the lowest layer, the new root, a path in it.
_mnt_overlayfs() {
    local medium="/run/archiso/bootmnt/${archisobasedir}/${arch}" cow="/run/archiso/cowspace/${cow_directory}"
    local stack="$1" name image mounted
    [ ! -e /debate-files ] || _fetch_layers
    [ -e "$medium/layers" ] || _no_layers "$medium/layers is not there: the medium is not as it was made"
    while read -r name <&9; do
        image=$medium/$name mounted=/run/archiso/layers/$name
        # The medium will be unmounted.
        if [ "$copytoram" = y ]; then
            cp "$image" "/run/archiso/copytoram/$name" || _no_layers "$image: could not be copied to memory"
            image=/run/archiso/copytoram/$name
        fi
        mkdir -p "$mounted"
        mount -t squashfs -o loop,ro "$image" "$mounted" || _no_layers "$image: could not be mounted"
        stack=$mounted:$stack
    done 9< "$medium/layers"
    mkdir -p "$cow/upperdir" "$cow/workdir"
    mount -t overlay -o "lowerdir=$stack,upperdir=$cow/upperdir,workdir=$cow/workdir" airootfs "$2$3" ||
        _no_layers "the layers could not be stacked"
}

# in: /debate-files (lines of SHA-256, size and path), archiso_http_srv (URL of the directory, which ends with a slash)
_fetch_layers() {
    local digest size path file
    while read -r digest size path <&9; do
        case $path in
        "$archisobasedir/$arch"/*) file=/run/archiso/bootmnt/$path ;;
        *) continue ;;
        esac
        [ -e "$file" ] || curl -L -f -s -S --retry 3 -o "$file" "$archiso_http_srv$path" ||
            _no_layers "$archiso_http_srv$path: could not be fetched"
        echo "$digest  $file" | sha256sum -c > /dev/null ||
            _no_layers "$archiso_http_srv$path: has another SHA-256 than $digest"
    done 9< /debate-files
}

_no_layers() {
    err "$1"
    echo "   You can try to fix the problem manually, log out when you are finished"
    launch_interactive_shell
}

# At boot mkinitcpio only reads files that have a function with such a name.
run_hook() {
    :
}
