#!/bin/sh
# Resolves a package list against signed indexes.
# in: sources.list, keys/, options, apt.conf, packages, installed (index of the base's packages)
# out: resolved (apt-get --print-uris)
set -eu
. /run/step/debian/apt.sh
cat /run/in/options /run/in/apt.conf >> "$apt/apt.conf"
cp /run/in/sources.list "$apt/etc/"
installed /run/in/installed

apt-get update -o APT::Update::Error-Mode=any
if ! xargs -a /run/in/packages apt-get -qq --print-uris -y --no-upgrade --no-remove install '?essential' \
    > /run/work/resolved 2> /run/work/errors; then
    cat /run/work/resolved /run/work/errors >&2
    apt-cache pkgnames | sort > /run/work/names
    sed -n "s/^E: Unable to locate package //p; s/^E: Package '\([^']*\)' has no.*/\1/p" \
        /run/work/errors | while read -r name; do
        # Candidates: names that contain the same first letters. The builder chooses among them.
        short=$(printf %.4s "$name")
        grep -F "$short" /run/work/names | sed "s/^/candidate $name /" >&2
    done
    exit 1
fi
sed -n "/^'/p" /run/work/resolved > /run/out/resolved
