#!/bin/sh
# Determines with apt in which order to unpack and configure packages on top of those of the base.
# in: repository/, release, wanted (lines of NAME:ARCHITECTURE=VERSION), below (index of the base's packages)
# out: plan (see planned.sh)
set -eu
. /run/step/debian/apt.sh
. /run/step/debian/planned.sh
installed /run/in/below
echo "deb [trusted=yes] file:/run/in/repository $(cat /run/in/release) main" > "$apt/etc/sources.list"
apt-get update
: > /run/work/plan
if [ -s /run/in/wanted ]; then
    xargs -a /run/in/wanted apt-get -y --no-install-recommends -s install > /run/work/plan
fi
planned "/run/in/repository/dists/$(cat /run/in/release)/main/binary-all/Packages" < /run/work/plan > /run/out/plan
