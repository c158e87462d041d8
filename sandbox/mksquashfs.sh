# Sourced for `pack DIRECTORY IMAGE [PATTERN …]`, which packs a directory without what matches a pattern.
# Patterns stand in a file: behind -e, mksquashfs takes everything for a name to leave out.
# in: mksquashfs (options, one a line)
pack() {
    directory=$1 image=$2
    shift 2
    for pattern; do printf '%s\n' "$pattern"; done > /run/work/excluded
    xargs -a /run/in/mksquashfs mksquashfs "$directory" "$image" -noappend -quiet -no-progress \
        -wildcards -ef /run/work/excluded
}
