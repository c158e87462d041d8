#!/bin/sh
# Adds dependencies to a list of packages, only from the locked ones.
# in: repository/, release, wanted    out: selected (lines of name and architecture)
set -eu
. /run/step/debian/apt.sh
echo "deb [trusted=yes] file:/run/in/repository $(cat /run/in/release) main" > "$apt/etc/sources.list"
apt-get update
xargs -a /run/in/wanted apt-get -y --no-install-recommends -s install '?essential' > /run/work/plan
sed -n 's/^Inst \([^ :]*\)[ :].*\[\([^] ]*\)\]).*/\1 \2/p' /run/work/plan | sort > /run/out/selected
