#!/bin/sh
# Proves that signed indexes name the locked packages: each in those of its own archive, which that archive's keys signed.
# The indexes may be old: whoever wrote the lock chose the versions.
# in: wanted (tab-separated: archive, name, version, architecture, path, size, SHA-256), sources.list, archives, options,
#     keys/, indexes (see indexes.sh)
#     for messages: remedy
# out: proven (the same lines as in wanted)
set -eu
. /run/step/problem.sh
. /run/step/debian/apt.sh
. /run/step/debian/verdicts.sh
. /run/step/debian/explain.sh
. /run/step/debian/indexes.sh
cat /run/in/options >> "$apt/apt.conf"
mkdir /run/work/mirror
zstd -q -dc /run/in/indexes | tar -C /run/work/mirror --no-same-owner --no-same-permissions -x
# Of a suite that has no package yet, there is no index.
paste -d ' ' /run/in/archives /run/in/sources.list | while read -r archive line; do
    suite=${line#*] * }
    [ ! -d "/run/work/mirror/$archive/dists/${suite%% *}" ] || printf '%s\n' "$archive $line"
done > /run/work/kept
cut -d ' ' -f 1 /run/work/kept > /run/work/archives
cut -d ' ' -f 2- /run/work/kept > "$apt/etc/sources.list"
update /run/work/archives
targets > /run/work/indexes
entries /run/work/indexes | grep -xF -f /run/in/wanted | sort -u > /run/work/named || true
sort -u /run/in/wanted | comm -23 - /run/work/named > /run/work/unnamed
if [ -s /run/work/unnamed ]; then
    tab=$(printf '\t')
    head -n 5 /run/work/unnamed | while IFS=$tab read -r archive name version architecture path size sha256; do
        problem "" "" "$name $version: no signed index of the archive $archive has its $architecture package at $path with \
$size bytes and the SHA-256 $sha256, so it is refused" "$(cat /run/in/remedy)"
    done
    exit 1
fi
cp /run/in/wanted /run/out/proven
