#!/bin/sh
# Downloads packages. Files whose SHA-256 differs from the lock's are refused.
# in: wanted (lines of ADDRESS SHA256 NAME VERSION SIZE), apt.conf, remedy (what to do if the mirror has other packages)
# out: one file per package, named by its SHA-256
set -eu
. /run/step/problem.sh
. /run/step/debian/apt.sh
. /run/step/debian/explain.sh
cat /run/in/apt.conf >> "$apt/apt.conf"
while read -r address sha256 _; do
    printf '%s\n/run/out/%s\nSHA256:%s\n' "$address" "$sha256" "$sha256"
done < /run/in/wanted > /run/work/arguments
# apt knows no size here, and writes whatever a mirror sends until the disk is full. No file may be larger than the
# largest in the lock, and than what this script writes itself.
trap '' XFSZ
ulimit -f "$(awk '$5 > most { most = $5 } END { print int(most / 512) + 2048 }' /run/in/wanted)"
errors=/run/work/errors status=0
xargs -a /run/work/arguments -n 150 /usr/lib/apt/apt-helper download-file 2> "$errors" || status=$?
cat "$errors" >&2
if [ "$status" -ne 0 ]; then
    explain_fetch "$errors" /run/in/wanted "$(cat /run/in/remedy)"
    exit 1
fi
