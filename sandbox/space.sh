#!/bin/sh
# Measures the files of the system, shown as /run/layers, and packs a sample of them in several ways.
# in: compressions (lines of a name and options of mksquashfs, with tabs between them)
# out: space (lines of a kind, bytes and a name, with tabs between them; see debate/steps/space.py)
set -eu
export LC_ALL=C
work=/run/work
cd /run/layers
find . -xdev -type f -size +0 -printf '%n %D.%i %s %P\0' | sort -z -k 4 > "$work/files"
# The lists of dpkg and of pacman.
find ./var/lib/dpkg/info -type f -name '*.list' -print0 2> /dev/null | sort -z > "$work/lists" || true
find ./var/lib/pacman/local -mindepth 2 -maxdepth 2 -type f -name files -print0 2> /dev/null | sort -z >> "$work/lists" || true
perl /run/step/space.pl "$work/files" "$work/lists" "$work/sample" > /run/out/space
[ -s "$work/sample" ] || exit 0
tab=$(printf '\t')
while IFS=$tab read -r name options <&9; do
    # shellcheck disable=SC2086
    mksquashfs "$work/sample" "$work/packed" -noappend -quiet -no-progress $options > /dev/null
    printf 'packed\t%s\t%s\n' "$(stat -c %s "$work/packed")" "$name" >> /run/out/space
done 9< /run/in/compressions
