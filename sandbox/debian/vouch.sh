#!/bin/sh
# Prints what the signed indexes of the archive $1 name: see `entries` in indexes.sh. Runs apart: see prove.sh. What apt says
# goes to descriptor 3.
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
apt-get update -o APT::Update::Error-Mode=any >&3
targets > "$TMPDIR/indexes"
entries "$TMPDIR/indexes"
