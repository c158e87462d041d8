#!/bin/sh
# Resolves a package list against signed indexes.
# in: sources.list, keys/, options, apt.conf, packages, installed (index of the base's packages)
#     for messages: system (distribution and release), base (the base's name, or empty)
# out: resolved (apt-get --print-uris)
set -eu
. /run/step/problem.sh
. /run/step/suggest.sh
. /run/step/debian/apt.sh
. /run/step/debian/explain.sh
cat /run/in/options /run/in/apt.conf >> "$apt/apt.conf"
cp /run/in/sources.list "$apt/etc/"
installed /run/in/installed

errors=/run/work/errors status=0
apt-get update -o APT::Update::Error-Mode=any 2> "$errors" || status=$?
cat "$errors" >&2
if [ "$status" -ne 0 ]; then
    explain_update "$errors"
    exit 1
fi
if ! xargs -a /run/in/packages apt-get -qq --print-uris -y --no-upgrade --no-remove install '?essential' \
    > /run/work/resolved 2> "$errors"; then
    cat /run/work/resolved "$errors" >&2
    apt-cache pkgnames > /run/work/names
    explain_packages "$errors" /run/work/resolved "$(cat /run/in/system)" "$(cat /run/in/base)" /run/work/names
    exit 1
fi
sed -n "/^'/p" /run/work/resolved > /run/out/resolved
