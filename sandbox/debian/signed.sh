#!/bin/sh
# Takes what starts with Secure Boot out of its packages, and memtest86+, byte for byte, for a signature is of each of them.
# Only regular files count, and of two of one name the first.
# in: signed (lines of an output, the SHA-256 of a package, and the path in it), packages/, names (lines of SHA-256, name and
#     version)
# out: the outputs; unpacked (a list of these packages, as of list.sh)
set -eu
. /run/step/problem.sh
. /run/step/apart.sh

most_of_archive=$((256 << 20)) most_of_file=$((32 << 20)) most_of_control=$((64 << 20)) # Bytes.
close_shared
reader=1000

# `reading SHA256 SCRIPT ARGUMENT …`: runs a script on a package. What it prints is looked at here, so its status is not.
reading() {
    package=/run/in/packages/$1.deb script=$2
    shift 2
    reader=$((reader + 1))
    (ulimit -f $((most_of_control / 512)) && apart "$reader" sh -c "$script" "$package" "$@") || true
}

# `refuse SHA256 FACT`
refuse() {
    grep -q "^memtest-[a-z]* $1 " /run/in/signed && {
        problem boot.entries memtest "$(sed -n "s/^$1 //p" /run/in/names) $2" "choose another version of it, or leave the entry out"
        return
    }
    problem boot.secure "" "$(sed -n "s/^$1 //p" /run/in/names) $2" \
        "choose another version of it, or write \`boot: {secure: none}\`"
}

while read -r output sha256 path; do
    reading "$sha256" \
        'dpkg-deb --fsys-tarfile "$0" | head -c "$2" | tar -x -O --no-recursion --occurrence -f - "./$1" | head -c "$3"' \
        "$path" "$most_of_archive" "$((most_of_file + 1))" > "/run/out/$output"
    size=$(wc -c < "/run/out/$output")
    [ "$size" -gt 0 ] || refuse "$sha256" "has no file /$path, or not in its first $((most_of_archive >> 20)) MiB"
    [ "$size" -le "$most_of_file" ] || refuse "$sha256" "has a file /$path of more than $((most_of_file >> 20)) MiB"
done < /run/in/signed
stop_on_problems
cut -d ' ' -f 2 /run/in/signed | sort -u > /run/work/packages
while read -r sha256; do
    reading "$sha256" \
        '[ "$(dpkg-deb --ctrl-tarfile "$0" | head -c "$1" | wc -c)" -lt "$1" ] && exec dpkg-deb -W --showformat="$2" "$0"' \
        "$most_of_control" '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' \
        | head -c 4096 > /run/work/one
    [ -s /run/work/one ] || refuse "$sha256" "has control data that cannot be read, or is too large"
    cat /run/work/one >> /run/work/unpacked
done < /run/work/packages
stop_on_problems
sort /run/work/unpacked > /run/out/unpacked
