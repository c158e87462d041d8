#!/bin/sh
# Asks apt in which order packages are unpacked and configured, on those that lie below.
# in: repository/, release, wanted (NAME=VERSION a line), below (their index)
# out: plan (Inst NAME or Conf NAME a line)
set -eu
. /run/step/debian/apt.sh
installed /run/in/below
echo "deb [trusted=yes] file:/run/in/repository $(cat /run/in/release) main" > "$apt/etc/sources.list"
apt-get update
: > /run/work/plan
if [ -s /run/in/wanted ]; then
    xargs -a /run/in/wanted apt-get -y --no-install-recommends -s install > /run/work/plan
fi
sed -n 's/^\(Inst\|Conf\) \([^ :]*\)[ :].*/\1 \2/p' /run/work/plan > /run/out/plan
