#!/bin/sh
# Proves that signed indexes name the locked packages: each in those of its own archive, which that archive's keys signed.
# The indexes may be old: whoever wrote the lock chose the versions. Those of each archive are read apart, so whatever takes
# over their reader vouches for that archive's packages alone.
# in: wanted (tab-separated: archive, name, version, architecture, path, size, SHA-256), archives, those of vouch.sh
#     for messages: remedy
# out: proven (the same lines as in wanted)
set -eu
. /run/step/apart.sh
. /run/step/debian/apt.sh
. /run/step/debian/verdicts.sh
. /run/step/debian/explain.sh
. /run/step/debian/indexes.sh
close_shared
cp /run/in/sources.list "$apt/etc/"
sources /run/in/archives > "$apt/sources"
mkdir /run/work/said /run/work/errors /run/work/answers /run/work/mirror
sort -u /run/in/archives | awk '{ print 1000 + NR, $0 }' > /run/work/readers
while read -r user archive <&9; do
    install -d -m 0700 -o "$user" -g "$user" "/run/work/mirror/$archive"
    apart "$user" sh /run/step/debian/vouch.sh "$archive" 9<&- > "/run/work/said/$archive" \
        2> "/run/work/errors/$archive" 3> "/run/work/answers/$archive" || : > "/run/work/failed-$archive" &
done 9< /run/work/readers
wait
cat /run/work/answers/* /run/work/errors/* | sed 's|copy:/run/work/mirror/|the indexes of |g' >&2
while read -r user archive; do
    if [ -e "/run/work/reader-$user/damaged" ]; then
        problem "" "" "the signed indexes that prove the lock cannot be unpacked" \
            "run doit fsck, or if that finds nothing, $(cat /run/in/remedy)"
        exit 1
    fi
    if [ -e "/run/work/failed-$archive" ]; then
        # The indexes were unpacked here, so an address says nothing, and another mirror is no remedy.
        verdicts "/run/work/errors/$archive" "/run/work/answers/$archive" "$apt/sources" "$written" > /run/work/verdicts
        while IFS=$tab read -r _ _ _ fact _ <&9; do
            complain "$archive" "the signed indexes of $archive that prove the lock" "$fact" "$(cat /run/in/remedy)"
        done 9< /run/work/verdicts
        exit 1
    fi
    awk -F '\t' -v archive="$archive" '$1 == archive' "/run/work/said/$archive"
done < /run/work/readers > /run/work/entries
grep -xF -f /run/in/wanted /run/work/entries | sort -u > /run/work/named || true
sort -u /run/in/wanted | comm -23 - /run/work/named > /run/work/unnamed
if [ -s /run/work/unnamed ]; then
    head -n 5 /run/work/unnamed | while IFS=$tab read -r archive name version architecture path size sha256; do
        problem "" "" "$name $version: no signed index of the archive $archive has its $architecture package at $path with \
$size bytes and the SHA-256 $sha256, so it is refused" "$(cat /run/in/remedy)"
    done
    exit 1
fi
cp /run/in/wanted /run/out/proven
