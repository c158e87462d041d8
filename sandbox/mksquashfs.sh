# Sourced for `pack DIRECTORY IMAGE [PATTERN …]`, which packs a directory without the files that match a pattern.
# Patterns are passed in a file, since mksquashfs takes all arguments after -e for names to exclude.
# in: mksquashfs (options, one a line)
pack() {
    directory=$1 image=$2
    shift 2
    for pattern; do printf '%s\n' "$pattern"; done > /run/work/excluded
    xargs -a /run/in/mksquashfs mksquashfs "$directory" "$image" -noappend -quiet -no-progress \
        -wildcards -ef /run/work/excluded
}

# `pack_system DIRECTORY IMAGE [PATTERN …]`: the same for a layer with packages. Kernels, and on Arch microcode, are booted
# from the ISO, not from the layer, wherever a package has them, or its script copies them to.
pack_system() {
    pack "$@" 'boot/vmlinuz-*' 'boot/System.map-*' 'usr/lib/modules/*/vmlinuz' 'usr/lib/modules/*/System.map'
}
