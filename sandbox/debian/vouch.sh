#!/bin/sh
# Prints what the signed indexes of the archive $1 name: the first seven fields of `entries` in indexes.sh. Runs apart: see
# prove.sh. What apt says goes to descriptor 3.
# in: sources.list, archives, options, keys/, indexes (see indexes.sh)
set -eu
apt=$TMPDIR/apt
. /run/step/debian/apt.sh
. /run/step/debian/indexes.sh
cat /run/in/options >> "$apt/apt.conf"
unpack "$1"
# Of a suite that has no package yet, there is no index.
paste -d ' ' /run/in/archives /run/in/sources.list | sed -n "s/^$1 //p" | while read -r line; do
    suite=${line#*] * }
    [ ! -d "/run/work/mirror/$1/dists/${suite%% *}" ] || printf '%s\n' "$line"
done > "$apt/etc/sources.list"
sed "s/.*/$1/" "$apt/etc/sources.list" > "$apt/archives"
sources "$apt/archives" > "$apt/sources"
# Nothing is resolved here, so apt's cache of all packages is not needed.
apt-get update -o APT::Update::Error-Mode=any -o pkgCacheFile::Generate=false >&3
targets
misnamed > "$apt/misnamed"
other_suites > "$TMPDIR/others"
if [ -s "$TMPDIR/others" ]; then
    cat "$TMPDIR/others" >&2
    exit 1
fi
downloaded > "$TMPDIR/indexes"
entries "$TMPDIR/indexes" > "$TMPDIR/entries"
cut -f 1-7 "$TMPDIR/entries"
